# dates.py: random cases of arithmetic with dates, times, datetimes and intervals, with the results of Python's datetime.
# Intervals are passed as whole microseconds. Moonrow's go to 3,660,000 days, so those here are shorter.
import random
import sys
from datetime import date, datetime, time, timedelta, timezone

count, seed = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(seed)
LIMIT = 3_660_000 * 86_400_000_000
FORMATS = ["%Y-%m-%d", "%y %m %d", "%H:%M:%S", "%I %p", "%j", "%U", "%W", "%w", "%u", "%a %A", "%b %B", "%G-W%V-%u", "%%", "%D", "%F",
           "%T", "%R"]


def a_date():
    kind = rng.random()
    if kind < 0.15:
        return rng.choice([date.min, date.max, date(1970, 1, 1), date(1969, 12, 31), date(2000, 2, 29), date(1900, 2, 28),
                           date(2100, 3, 1), date(2024, 12, 30), date(2021, 1, 3)])
    if kind < 0.5:
        return date(rng.randrange(1990, 2040), rng.randrange(1, 13), rng.randrange(1, 29))
    return date.fromordinal(rng.randrange(1, date.max.toordinal() + 1))


def a_time():
    micro = rng.choice([0, 0, 1, 999999, 500000, 123000, rng.randrange(1000000)])
    hour, minute, second = rng.choice([(0, 0, 0), (23, 59, 59), (12, 0, 0)] + [None] * 4) or (
        rng.randrange(24), rng.randrange(60), rng.randrange(60))
    return time(hour, minute, second, micro)


def a_datetime():
    return datetime.combine(a_date(), a_time())


def micros():
    kind = rng.random()
    if kind < 0.2:
        return rng.choice([0, 1, -1, 86_400_000_000, -86_400_000_000, 999_999, -999_999, 3_600_000_000])
    if kind < 0.6:
        return rng.randrange(-400 * 86_400_000_000, 400 * 86_400_000_000)
    return rng.randrange(-LIMIT + 1, LIMIT)


def text(value):
    return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()


def count_of(delta):
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def result(make):
    try:
        value = make()
    except (OverflowError, ValueError):
        return "error"
    if isinstance(value, timedelta):
        value = count_of(value)
        return str(value) if -LIMIT < value < LIMIT else "error"
    return value if isinstance(value, str) else text(value)


def delta(n):
    return timedelta(microseconds=n)


def sign(a, b):
    return str((a > b) - (a < b))


def replaced(at):
    fields = {"year": rng.randrange(1, 10000), "month": rng.randrange(1, 13), "day": rng.randrange(1, 32),
              "hour": rng.randrange(24), "minute": rng.randrange(60), "second": rng.randrange(60),
              "microsecond": rng.randrange(1000000)}
    names = rng.sample(sorted(fields), rng.randrange(1, 4))
    return ",".join(f"{n}={fields[n]}" for n in names), result(lambda: at.replace(**{n: fields[n] for n in names}))


def case():
    operation = rng.choice(["date_add", "date_sub", "date_diff", "at_add", "at_sub", "at_diff", "compare_dates",
                            "compare_ats", "compare_times", "add", "sub", "mul", "parts", "weekday", "format", "timestamp",
                            "from_unix", "replace", "read", "split", "valid", "compare_spans", "negate", "divide", "ratio",
                            "seconds", "units", "stored"])
    days = rng.randrange(-4_000_000, 4_000_000) if rng.random() < 0.3 else rng.randrange(-40000, 40000)
    d, e, at, other, n, m = a_date(), a_date(), a_datetime(), a_datetime(), micros(), micros()
    if rng.random() < 0.2:
        e, other = d, at
    if operation == "date_add":
        return operation, text(d), days, result(lambda: d + timedelta(days=days)) if abs(days) < 3_660_000 else "error"
    if operation == "date_sub":
        return operation, text(d), days, result(lambda: d - timedelta(days=days)) if abs(days) < 3_660_000 else "error"
    if operation == "date_diff":
        return operation, text(d), text(e), result(lambda: d - e)
    if operation == "at_add":
        return operation, text(at), n, result(lambda: at + delta(n))
    if operation == "at_sub":
        return operation, text(at), n, result(lambda: at - delta(n))
    if operation == "at_diff":
        return operation, text(at), text(other), result(lambda: at - other)
    if operation == "compare_dates":
        return operation, text(d), text(e), sign(d, e)
    if operation == "compare_ats":
        return operation, text(at), text(other), sign(at, other)
    if operation == "compare_times":
        return operation, text(at.time()), text(other.time()), sign(at.time(), other.time())
    if operation in ("add", "sub"):
        return operation, n, m, result(lambda: delta(n) + delta(m) if operation == "add" else delta(n) - delta(m))
    if operation == "mul":
        factor = rng.choice([0, 1, -1, 2, 3, 7, -10, rng.randrange(-1000, 1000)])
        return operation, n, factor, result(lambda: delta(n) * factor)
    if operation == "compare_spans":
        m = rng.choice([n, n + 1, m, -n])
        return operation, n, m, sign(delta(n), delta(m))
    if operation == "negate":
        return operation, n, result(lambda: -delta(n))
    if operation == "divide":
        divisor = rng.choice([1, -1, 2, 3, -7, 1000, 86_400_000_000, rng.choice([-1, 1]) * rng.randrange(1, 10**6)])
        nearest = (2 * abs(n) + abs(divisor)) // (2 * abs(divisor))  # halves go away from zero; timedelta's go to even
        return operation, n, divisor, str(nearest if (n < 0) == (divisor < 0) else -nearest)
    if operation == "ratio":
        n, m = n % 2**53, m % 2**53 or 1  # beyond that, a float is the nearest one in Python only
        return operation, n, m, f"{delta(n) / delta(m):.17g}"
    if operation == "seconds":
        n %= 2**53
        return operation, n, f"{delta(n).total_seconds():.17g}"
    if operation == "units":
        units = {"weeks": 500, "days": 4000, "hours": 9999, "minutes": 99999, "seconds": 10**6, "microseconds": 10**9}
        given = {unit: rng.randrange(-units[unit], units[unit]) for unit in rng.sample(sorted(units), rng.randrange(1, 5))}
        return operation, ",".join(f"{u}={given[u]}" for u in given), result(lambda: timedelta(**given))
    if operation == "stored":
        return operation, n, result(lambda: (datetime(1970, 1, 1) + delta(n)).isoformat(" ", "microseconds"))
    if operation == "parts":
        return operation, n, f"{delta(n).days} {delta(n).seconds} {delta(n).microseconds}"
    if operation == "weekday":
        return operation, text(d), str(d.isoweekday())
    if operation == "format":
        pattern = rng.choice(FORMATS)
        at = at.replace(year=max(at.year, 1000))  # C libraries differ in how they fill up years
        return operation, text(at), pattern, at.strftime(pattern)
    if operation == "timestamp":
        at = at.replace(microsecond=0)
        return operation, text(at), str(int((at - datetime(1970, 1, 1)).total_seconds()))
    if operation == "from_unix":
        seconds = rng.choice([0, -1, 2**31, 2**32, rng.randrange(-62135596800 - 10, 253402300800 + 10)])
        return operation, seconds, result(lambda: datetime(1970, 1, 1) + timedelta(seconds=seconds))
    if operation == "replace":
        fields, made = replaced(at)
        return operation, text(at), fields, made
    if operation == "read":
        written = at.isoformat(rng.choice(["T", " "]))
        return operation, written, text(at)
    if operation == "split":
        return operation, text(at), f"{at.date()} {text(at.time())}"
    year, month, day = rng.randrange(-1, 10002), rng.randrange(-1, 15), rng.randrange(-1, 34)
    return operation, year, month, day, result(lambda: date(year, month, day))


for _ in range(count):
    print("\t".join(str(field) for field in case()))
