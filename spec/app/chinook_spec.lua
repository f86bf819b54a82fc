-- The example chinook.lua with its database, a file that does not belong to the project: CHINOOK names it, or it lies
-- beside the project. Without it these specs are skipped.

local mr = require "moonrow"

local function exists(name)
  local file = io.open(name, "rb")
  if file then file:close() end
  return file ~= nil
end

local path = os.getenv "CHINOOK" or "../shared/data/chinook.sqlite"
local found = exists(path)
local stressed = (os.getenv "MOONROW_STRESS" or "") ~= ""

local function test(name, fn)
  if not found then pending(name .. " (there is no " .. path .. ")")
  elseif stressed then pending(name .. " (not under stress)")
  else it(name, fn) end
end

-- Runs the example with the path. Returns its output as lines, and its result.
local function run(given)
  local lines = {}
  local env = setmetatable({ arg = { given }, print = function(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    lines[#lines + 1] = table.concat(words, "\t")
  end }, { __index = _G })
  local models = assert(loadfile("examples/chinook.lua", "t", env))()
  return lines, models
end

describe("Chinook", function()
  it("is asked for where it is absent", function()
    local lines, models = run "/nowhere/chinook.sqlite"
    assert.equal(1, #lines)
    assert.matches("chinook.sqlite", lines[1], 1, true)
    assert.is_nil(models)
  end)

  test("is reported on, each count checked by plain SQL", function()
    local text = table.concat(run(path), "\n")
    for _, line in ipairs{
      "  Album          347", "  Artist         275", "  Customer        59", "  Employee         8",
      "  Genre           25", "  Invoice        412", "  InvoiceLine   2240", "  MediaType        5",
      "  Playlist        18", "  Track         3503", "  PlaylistTrack  8715",
      "    Nancy Edwards, Sales Manager (0 customers)\n      Jane Peacock, Sales Support Agent (21 customers)",
      "  4 statements, one of them the check",
      "  rolled back: Grunge has 15 tracks",
      "Every count agrees with plain SQL.",
    } do
      assert.matches(line, text, 1, true)
    end
  end)

  describe("in a copy", function()
    local m, copy

    before_each(function()
      if not found or stressed then return end
      local _
      _, m = run(path)
      copy = os.tmpname()
      local source <close> = assert(io.open(path, "rb"))
      local target <close> = assert(io.open(copy, "wb"))
      target:write(source:read "a")
    end)

    after_each(function()
      if copy then os.remove(copy) end
      copy = nil
    end)

    -- A session on a copy of the database, with the classes of the example.
    local function session() return mr.Session(mr.create_engine("sqlite:///" .. copy)) end

    test("loads four levels in as many statements", function()
      local s <close> = session()
      local load = mr.selectinload("albums"):selectinload("tracks"):selectinload("lines"):joinedload("invoice")
      local n, total = 0, 0
      local engine = s.bind
      local records = engine:record(function()
        for _, artist in ipairs(s:query(m.Artist):options(load):all()) do
          for _, album in ipairs(artist.albums) do
            assert.equal(artist, album.artist)
            for _, track in ipairs(album.tracks) do
              n = n + 1
              for _, line in ipairs(track.lines) do total = total + (line.invoice and 1 or 0) end
            end
          end
        end
      end)
      assert.equal(3503, n)
      assert.equal(2240, total)
      assert.is_true(#records <= 1 + 1 + 1 + 8, #records) -- 500 keys in each statement
    end)

    test("reads the same rows lazily", function()
      local s <close> = session()
      local artist = s:query(m.Artist):filter_by{ name = "Iron Maiden" }:one()
      local n = 0
      for _, album in ipairs(artist.albums) do n = n + #album.tracks end
      assert.equal(s:scalar(mr.text [[SELECT count(*) FROM Track JOIN Album USING (AlbumId) JOIN Artist USING (ArtistId)
        WHERE Artist.Name = 'Iron Maiden']]), n)
    end)

    test("has employees in a tree", function()
      local s <close> = session()
      local records = s.bind:record(function()
        local all = s:query(m.Employee):order_by(m.Employee.id):all()
        assert.equal("Andrew", all[8].boss.boss.first_name) -- found in the identity map
        assert.is_nil(all[1].boss)
      end)
      assert.equal(1, #records)
      local boss = s:query(m.Employee):options(mr.joinedload("reports"):joinedload("reports")):filter_by{ id = 1 }:one()
      assert.equal(2, #boss.reports)
      assert.equal(3, #boss.reports[1].reports)
    end)

    test("takes changes, and forgets them when they are rolled back", function()
      local s <close> = session()
      local function count(name) return s:scalar(mr.text("SELECT count(*) FROM " .. name)) end
      local lines, invoices = count "InvoiceLine", count "Invoice"
      local customer = s:query(m.Customer):order_by(m.Customer.id):first()
      local invoice = customer.invoices[1]
      local gone = #invoice.lines
      s:delete(invoice) -- this deletes its lines, too
      local new = m.Invoice{ customer = customer, date = mr.now(), total = 0.99, lines = {
        m.InvoiceLine{ track = s:get(m.Track, 1), unit_price = 0.99, quantity = 1 },
      } }
      s:flush()
      assert.equal(lines - gone + 1, count "InvoiceLine")
      assert.equal(invoices, count "Invoice")
      assert.is_truthy(new.id)
      assert.equal(new.id, new.lines[1].invoice_id)
      s:rollback()
      assert.equal(lines, count "InvoiceLine")
      assert.equal(invoice, customer.invoices[1])
      assert.equal(gone, #invoice.lines)
    end)

    test("keeps changes when they are committed", function()
      local s <close> = session()
      local grunge = s:query(m.Playlist):filter_by{ name = "Grunge" }:one()
      local heavy = s:query(m.Playlist):filter_by{ name = "Heavy Metal Classic" }:one()
      local n = #grunge.tracks
      heavy.tracks:extend(grunge.tracks)
      local records = s.bind:record(function() s:commit() end)
      assert.equal(1, #records) -- one batch of link rows
      assert.equal(n, #records[1].parameters)
      s:close()
      local again <close> = session()
      heavy = again:query(m.Playlist):options(mr.joinedload "tracks"):filter_by{ name = "Heavy Metal Classic" }:one()
      assert.equal(26 + n, #heavy.tracks)
    end)
  end)
end)
