# decimals.py: random cases of arithmetic with decimals, with the results of Python's decimal. Sums and products are
# exact in moonrow, so the context has room for all digits; quotients have Python's 28. // and % round down, as Lua's.
import decimal
import random
import sys
from decimal import Decimal
from fractions import Fraction

count, seed = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(seed)
exact = decimal.Context(prec=2000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
usual = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)
MODES = {
    "half_even": decimal.ROUND_HALF_EVEN, "half_up": decimal.ROUND_HALF_UP, "half_down": decimal.ROUND_HALF_DOWN,
    "up": decimal.ROUND_UP, "down": decimal.ROUND_DOWN, "ceiling": decimal.ROUND_CEILING,
    "floor": decimal.ROUND_FLOOR,
}


def number():
    """The text of a number: often small, sometimes long, often with zeros and halves."""
    digits = rng.choice([1, 2, 3, 5, 8, 15, 17, 18, 19, 20, 28, 29, 40, 80])
    kind = rng.random()
    if kind < 0.1:
        text = rng.choice(["0", "1", "5", "10", "9" * digits, "1" + "0" * digits, "5" + "0" * digits])
    else:
        text = str(rng.randrange(10 ** rng.randrange(1, digits + 1)))
    if rng.random() < 0.7:
        at = rng.randrange(0, len(text) + 4)
        text = text.zfill(at + 1)
        text = text[:len(text) - at] + ("." + text[len(text) - at:] if at else "")
        if rng.random() < 0.2 and at:
            text += "5" if rng.random() < 0.5 else "00"
    return ("-" if rng.random() < 0.4 else "") + text


def show(d):
    """The digits without an exponent; there is no negative zero."""
    if d == 0:
        d = abs(d)
    if d.as_tuple().exponent > 0:
        d = d.quantize(Decimal(1), context=exact)
    return format(d, "f")


def floor_division(a, b):
    x, y = Fraction(a), Fraction(b)
    q = x // y
    scale = max(-a.as_tuple().exponent, -b.as_tuple().exponent, 0)
    rest = x - q * y
    return Decimal(q), exact.scaleb(Decimal(int(rest * 10 ** scale)), -scale)


def case():
    op = rng.choice(["read", "add", "sub", "mul", "div", "idiv", "mod", "pow", "round", "compare", "neg", "float", "key"])
    a, b = number(), number()
    x, y = Decimal(a), Decimal(b)
    if op == "read":
        if rng.random() < 0.3:
            a += "e%d" % rng.randrange(-30, 30)
            x = Decimal(a)
        return [op, a, show(x)]
    if op == "add":
        return [op, a, b, show(exact.add(x, y))]
    if op == "sub":
        return [op, a, b, show(exact.subtract(x, y))]
    if op == "mul":
        return [op, a, b, show(exact.multiply(x, y))]
    if op == "div":
        return [op, a, b, "error" if y == 0 else show(usual.divide(x, y))]
    if op in ("idiv", "mod"):
        return [op, a, b, "error" if y == 0 else show(floor_division(x, y)[op == "mod"])]
    if op == "pow":
        n = rng.randrange(0, 12)
        made = Decimal(1)
        for _ in range(n):
            made = exact.multiply(made, x)
        return [op, a, str(n), show(made)]
    if op == "round":
        mode, digits = rng.choice(list(MODES)), rng.randrange(-5, 30)
        made = x.quantize(Decimal((0, (1,), -digits)), rounding=MODES[mode], context=exact)
        return [op, a, str(digits), mode, show(made)]
    if op == "compare":
        if rng.random() < 0.2:
            b = a + ("0" if "." in a else ".0")
            y = Decimal(b)
        return [op, a, b, str((x > y) - (x < y))]
    if op == "neg":
        return [op, a, show(-x if x else abs(x))] if len(x.as_tuple().digits) <= 28 else [op, a, show(exact.minus(x))]
    if op == "float":
        return [op, a, float(x).hex() if x else "0x0.0p+0"]
    made = x.normalize(context=exact)
    return [op, a, show(made)]


for _ in range(count):
    print("\t".join(case()))
