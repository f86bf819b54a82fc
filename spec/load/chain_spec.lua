-- Chains of options: each way of loading behind each other, three levels deep. What is read is the same in all ways
-- that load; noload ends it with nothing, raiseload with an error. An expiry in between changes nothing of that.

local mr = require "moonrow"
local market = require "spec.support.market"

local stressed = (os.getenv "MOONROW_STRESS" or "") ~= "" -- the collector is slow then
local WAYS = stressed and { "lazyload", "joinedload", "subqueryload", "raiseload" }
  or { "lazyload", "joinedload", "selectinload", "subqueryload", "immediateload", "batchload", "noload", "raiseload",
    "defaultload" }

-- What is read, by the level that noload is at; the last one: nowhere.
local EXPECTED = {
  "ann: ben: cid: dee:",
  "ann:o1[]o3[]o5[] ben: cid:o2[]o4[] dee:",
  "ann:o1[i1()i2()i3()]o3[i3()i4()i5()]o5[i5()] ben: cid:o2[i1()i2()i3()]o4[i1()i5()] dee:",
  "ann:o1[i1(red,big)i2(red)i3(old,new)]o3[i3(old,new)i4(big,new)i5()]o5[i5()] ben: "
    .. "cid:o2[i1(red,big)i2(red)i3(old,new)]o4[i1(red,big)i5()] dee:",
}

local function joined(list, separator, fn)
  local parts = {}
  for i, item in ipairs(list) do parts[i] = fn(item) end
  return table.concat(parts, separator)
end

local function read(customers)
  return joined(customers, " ", function(customer)
    return customer.name .. ":" .. joined(customer.orders, "", function(order)
      return order.note .. "[" .. joined(order.items, "", function(item)
        return item.name .. "(" .. joined(item.words, ",", function(word) return word.text end) .. ")"
      end) .. "]"
    end)
  end)
end

-- The first step that noload or raiseload is at, and which of them.
local function first_end(chain)
  for level, way in ipairs(chain) do
    if way == "noload" or way == "raiseload" then return level, way end
  end
  return #chain + 1
end

describe("a chain of options", function()
  local m

  local function check(chain)
    local Customer = m.Customer
    local option = mr[chain[1]](Customer.orders)
    option = option[chain[2]](option, m.Order.items)
    option = option[chain[3]](option, m.Item.words)
    m.db.session:remove()
    local customers = Customer.query:options(option):order_by(Customer.id):all()
    local level, way = first_end(chain)
    for _, when in ipairs{ "first", "after an expiry" } do
      local where = table.concat(chain, ", ") .. ", " .. when
      local ok, got = pcall(read, customers)
      assert.equal(way ~= "raiseload", ok, where .. ": " .. tostring(got))
      if ok then assert.equal(EXPECTED[level], got, where)
      else assert.equal("InvalidRequestError", got.kind, where) end
      m.db.session:expire_all()
    end
  end

  for _, first in ipairs(WAYS) do
    it("reads the same, whatever follows " .. first, function()
      m = market.open()
      for _, second in ipairs(WAYS) do
        for _, third in ipairs(WAYS) do check{ first, second, third } end
      end
    end)
  end
end)
