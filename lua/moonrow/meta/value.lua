---@meta _
-- value.lua: dates, times and intervals.
-- luacheck: ignore 212 241

---@since 0.1

---@class moonrow
local mr = {}

-- ---------------------------------------------------------------- dates and times

---A date, a time, a datetime or an interval. Immutable; == < - + work, tostring is ISO 8601 with a space. Each read
---makes a value of its own: two that are equal by == are two keys of a table. What is grouped by a date has
---tostring(date) as its key.
---
---```lua
---local t = mr.datetime(2024, 2, 29, 12, 30, 15)
---t.year + t.month + t.day --> 2055
---t.hour * 3600 + t.minute * 60 + t.second --> 45015
---t.microsecond --> 0
---t --> 2024-02-29 12:30:15
---mr.date(2024, 3, 1) - mr.date(2024, 2, 28) --> P2D
---mr.date(2024, 2, 28) + mr.interval{ days = 2 } --> 2024-03-01
---```
---@class moonrow.Date
---Of a date or a datetime.
---@field year integer
---1 to 12.
---@field month integer
---1 to 31.
---@field day integer
---0 to 23.
---@field hour integer
---0 to 59.
---@field minute integer
---0 to 59.
---@field second integer
---0 to 999999.
---@field microsecond integer
local Date = {}

---As text by the pattern of os.date.
---
---```lua
---mr.date(2024, 2, 29):format "%d.%m.%Y" --> 29.02.2024
---```
---@param pattern string
---@return string
function Date:format(pattern) end

---As text of ISO 8601, with a T between date and time.
---
---```lua
---mr.datetime(2024, 2, 29, 12):isoformat() --> 2024-02-29T12:00:00
---```
---@return string
function Date:isoformat() end

---The date of a datetime.
---
---```lua
---mr.datetime(2024, 2, 29, 12):to_date() --> 2024-02-29
---```
---@return moonrow.Date
function Date:to_date() end

---The time of a datetime.
---
---```lua
---mr.datetime(2024, 2, 29, 12):to_time() --> 12:00:00
---```
---@return moonrow.Date
function Date:to_time() end

---Seconds since 1970, as os.time() has them: of a datetime in UTC, or of a date's midnight. With a fraction it is a
---float.
---
---```lua
---mr.datetime(2024, 2, 29, 12):timestamp() --> 1709208000
---```
---@return integer|number
function Date:timestamp() end

---The day of the week: 1 is Monday, 7 is Sunday.
---
---```lua
---mr.date(2024, 2, 29):weekday() --> 4
---```
---@return integer
function Date:weekday() end

---A copy with other fields.
---
---```lua
---mr.datetime(2024, 2, 29, 12, 30):replace{ year = 2020, hour = 0 } --> 2020-02-29 00:30:00
---mr.date(2024, 2, 29):replace{ year = 2023 } --! ArgumentError: replace: February 2023 has no day 29
---```
---@error ArgumentError there is no such day or time
---@param fields moonrow.DateTimeParts
---@return moonrow.Date
function Date:replace(fields) end

---The current time in UTC: a datetime.
---
---```lua
---mr.now() > mr.datetime(2024, 1, 1) --> true
---```
---@return moonrow.Date
function mr.now() end

---The current date in UTC.
---
---```lua
---mr.today() == mr.now():to_date() --> true
---```
---@return moonrow.Date
function mr.today() end

---Marks the table as an array of JSON, also where it is empty: `{}` is an object. Returns the table. Every array that
---is read is marked so. Without an argument: a new one.
---
---```lua
---local Doc = db.Model:extend("Doc", { id = db.Column{ db.Integer, primary_key = true }, data = db.Column{ db.JSON } })
---db:create_all()
---session:add(Doc{ data = { tags = mr.array(), more = {} } })
---session:commit()
---session:scalar(mr.text "SELECT data FROM doc") --> {"more":{},"tags":[]}
---```
---@error ArgumentError it is no table, or one with a metatable of its own
---@generic T
---@param list? T[]
---@return T[]
function mr.array(list) end

---A new uuid of random bits, as text of 36 characters; as a default, of each new row.
---
---```lua
---local Token = db.Model:extend("Token", { id = db.Column{ db.Uuid, primary_key = true, default = mr.uuid4 } })
---db:create_all()
---local token = Token{}
---session:add(token)
---session:flush()
---#token.id --> 36
---```
---@return string
---@error OperationalError the system gives no random bytes
function mr.uuid4() end

---A new uuid that begins with the time: those of one program sort as they were made, which keeps an index of keys
---small.
---
---```lua
---mr.uuid7() < mr.uuid7() --> true
---mr.uuid7():sub(15, 15) --> 7
---```
---@return string
---@error OperationalError the system gives no random bytes
function mr.uuid7() end

---@class moonrow.DateParts
---1 to 9999.
---@field year integer
---1 to 12.
---@field month integer
---1 to 31.
---@field day integer

---A date, of its parts, or of them by name.
---
---```lua
---mr.date(2024, 2, 29) == mr.date{ year = 2024, month = 2, day = 29 } --> true
---mr.date(2023, 2, 29) --! ArgumentError:
---```
---@error ArgumentError there is no such day
---@overload fun(parts: moonrow.DateParts): moonrow.Date
---@param year integer
---@param month integer
---@param day integer
---@return moonrow.Date
function mr.date(year, month, day) end

---@class moonrow.TimeParts
---0 to 23.
---@field hour integer
---0 to 59; 0 by default.
---@field minute? integer
---0 to 59; 0 by default.
---@field second? integer
---0 to 999999; 0 by default.
---@field microsecond? integer

---A time of the day.
---
---```lua
---mr.time(7, 30) == mr.time{ hour = 7, minute = 30, second = 0, microsecond = 0 } --> true
---```
---@error ArgumentError there is no such time
---@overload fun(parts: moonrow.TimeParts): moonrow.Date
---@param hour integer
---@param minute? integer
---@param second? integer
---@param microsecond? integer
---@return moonrow.Date
function mr.time(hour, minute, second, microsecond) end

---@class moonrow.DateTimeParts: moonrow.DateParts, moonrow.TimeParts
---0 to 23; 0 by default.
---@field hour? integer

---A date with a time: `mr.datetime` is called, and has functions.
---
---```lua
---mr.datetime(2024, 2, 29, 7, 30) --> 2024-02-29 07:30:00
---mr.datetime{ year = 2024, month = 2, day = 29, hour = 7, minute = 30, second = 0, microsecond = 500000 }
---  --> 2024-02-29 07:30:00.500000
---mr.datetime "2024-02-29 07:30" --> 2024-02-29 07:30:00
---```
---@class moonrow.DateTimeMaker
---@overload fun(year: integer, month: integer, day: integer, ...: integer): moonrow.Date
---@overload fun(value: string|moonrow.DateTimeParts|moonrow.Date): moonrow.Date
local DateTimeMaker = {}

---Of seconds since 1970, as os.time() gives them; in UTC.
---
---```lua
---mr.datetime.from_unix(0) --> 1970-01-01 00:00:00
---mr.datetime.from_unix(1709208000123) --! ArgumentError: from_unix: 1709208000123 seconds lie outside
---```
---@error ArgumentError it is no number, or outside of the years 1 to 9999
---@param seconds number
---@return moonrow.Date
function DateTimeMaker.from_unix(seconds) end

---Of text of ISO 8601 with or without a zone; in UTC.
---
---```lua
---mr.datetime.from_iso "2024-02-29T13:04:05+02:00" --> 2024-02-29 11:04:05
---mr.datetime.from_iso "2024-02-29T13:04:05Z" --> 2024-02-29 13:04:05
---```
---@error ArgumentError the text is no datetime
---@param text string
---@return moonrow.Date
function DateTimeMaker.from_iso(text) end

---Lengths that add up; each may be negative, and have a fraction.
---@class moonrow.Lengths
---Of seven days.
---@field weeks? number
---Of 24 hours.
---@field days? number
---Of 60 minutes.
---@field hours? number
---Of 60 seconds.
---@field minutes? number
---Seconds.
---@field seconds? number
---Thousandths of a second.
---@field milliseconds? number
---Millionths of a second.
---@field microseconds? number

---A length of time; without years and months, which have no fixed length. tostring is ISO 8601 (`P1DT2H3M4.5S`,
---`-PT5S`,
---`PT0S`), which is read again, here and where an attribute is written. Two add up; a number times one is one; a date
---or a datetime moves by one. Its fields are `days`, `seconds` (0 to 86399), `microseconds`, and `total_seconds`. In
---the database it is the datetime that lies so far after 1970-01-01.
---
---```lua
---mr.interval{ days = 1, hours = 2 } --> P1DT2H
---mr.interval "PT90S" == mr.interval{ minutes = 1, seconds = 30, milliseconds = 0, microseconds = 0 } --> true
---mr.interval(90).total_seconds --> 90.0
---2 * mr.interval{ weeks = 1 } --> P14D
---mr.interval{ days = 1 } + mr.interval{ days = 1 } --> P2D
---```
---@error ArgumentError the text is no length, or it is too long
---@param value string|number|moonrow.Date|moonrow.Lengths a number is seconds
---@return moonrow.Date
function mr.interval(value) end
