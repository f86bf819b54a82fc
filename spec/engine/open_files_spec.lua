-- open_files_spec.lua: databases that the program has dropped, or does not use, keep no file open.

local process = require "spec.support.process"

local prelude = [[
  package.cpath = %q
  local mr = require "moonrow"
  local folder = %q
  local function open(i, with_app)
    local url = "sqlite:///" .. folder .. "/" .. i .. ".db"
    local db
    if with_app then
      local app = mr.App("app" .. i)
      app.config.DATABASE_URI = url
      db = mr.Database(app)
    else
      db = mr.open(url)
    end
    local Item = db.Model:extend("Item", { id = db.Column{ db.Integer, primary_key = true } })
    db:create_all()
    db.session:add(Item{})
    db.session:commit()
    db.session:remove()
    return db, Item
  end
  local function count()
    local n = 0
    for link in io.popen("ls -l /proc/" .. mr_pid .. "/fd"):lines() do
      if link:find(folder, 1, true) then n = n + 1 end
    end
    return n
  end
]]

-- Runs a script that may have so many files open. Returns its output.
local function run(files, source)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
  local file = assert(io.open(folder .. "/script", "w"))
  local head = "mr_pid = io.open('/proc/self/stat'):read 'n'\n"
  file:write(head, prelude:format(package.cpath, folder), source, "\n")
  file:close()
  local output = process.run(("ulimit -n %d; exec lua5.4 %s/script"):format(files, folder))
  os.execute("rm -r " .. folder)
  return output
end

describe("a database that nobody has any more", function()
  for _, with_app in ipairs{ "false", "true" } do
    it("keeps no file open, with an application of its own: " .. with_app, function()
      assert.equal("1 0 1 1\n", run(100, ([[
        local db, Item = open(1, %s)
        io.write(count(), " ")
        db = nil
        collectgarbage() collectgarbage()
        io.write(count(), " ")
        io.write(Item.query:count(), " ") -- the classes still work
        io.write(count(), "\n")]]):format(with_app)))
    end)

    it("nor one that its session read from: " .. with_app, function()
      assert.equal("1 0 1\n", run(100, ([[
        local db, Item = open(1, %s)
        local item = Item.query:one()
        io.write(count(), " ")
        db = nil
        collectgarbage() collectgarbage()
        io.write(count(), " ", item.id, "\n")]]):format(with_app)))
    end)

    it("may have been one of many: " .. with_app, function()
      assert.equal("done\n", run(60, ([[
        for i = 1, 150 do open(i, %s) end
        print "done"]]):format(with_app)))
    end)
  end

  it("has not closed what its engine was taken for", function()
    assert.equal("1\n", run(100, [[
      local db = open(1)
      local c <close> = db.engine:connect()
      db = nil
      collectgarbage() collectgarbage()
      print(c:scalar "SELECT count(*) FROM item")]]))
  end)
end)

describe("databases that are held, and more than there may be files", function()
  it("are opened and closed in turn", function()
    assert.equal("150\n", run(60, [[
      local all, n = {}, 0
      for i = 1, 150 do all[i] = table.pack(open(i)) end
      for i = 1, 150 do
        n = n + all[i][2].query:count()
        all[i][1].session:remove()
      end
      print(n)]]))
  end)

  it("also where a journal finds no room", function()
    assert.equal("true\n", run(40, [[
      local all = {}
      for i = 1, 20 do all[i] = table.pack(open(i)) end
      local files = {}
      for i = 1, 100 do files[i] = io.open "/dev/null" end
      files[#files]:close()
      local db, Item = all[20][1], all[20][2]
      db.session:add(Item{})
      print(pcall(db.session.commit, db.session))]]))
  end)

  it("and in use: the error names the cure", function()
    local output = run(40, [[
      local all, e = {}
      for i = 1, 60 do
        local ok, db, Item = pcall(open, i)
        if not ok then
          e = db
          break
        end
        local c = db.engine:connect()
        c:execute "INSERT INTO item DEFAULT VALUES"
        all[i] = c
      end
      print(#all > 10, e.kind, e.message)]])
    assert.matches("^true\tOperationalError\t.*too many open files.*db%.engine:dispose%(%)", output)
  end)
end)
