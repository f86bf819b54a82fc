-- Messages that name a place: the row of a list, the object, the file, the version of Lua.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"
local lacks = require "spec.support.models".lacks

local db, s, User, Post

before_each(function()
  db = mr.open "sqlite://"
  User = db.Model:extend("User", {
    __tablename = "user",
    id = db.Column{ db.Integer, primary_key = true },
    name = db.Column{ db.String(40), nullable = false, unique = true },
    age = db.Column{ db.Integer },
    posts = db.relationship("Post", { backref = "author" }),
  })
  Post = db.Model:extend("Post", {
    __tablename = "post",
    id = db.Column{ db.Integer, primary_key = true },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id", nullable = false },
  })
  db:create_all()
  s = db.session
end)

describe("a row that the database refuses", function()
  local function refused(words, rows, statement)
    local e = refuse("IntegrityError", words, s.execute, s, statement or mr.insert(User), rows)
    s:rollback()
    return e
  end

  it("is named by its place in the list", function()
    refused("user.name (row 3 of the list)", { { name = "a" }, { name = "b" }, { name = "a" } })
    refused("user.name (row 2 of the list)", { { name = "a" }, { name = mr.null } })
    refused("user.id (row 2 of the list)", { { id = 7, name = "a" }, { id = 7, name = "b" } })
    refused("user.name (row 1 of the list)", { { name = mr.null }, { name = "b" } })
    refused("user.name (row 3 of the list)",
      { { n = "a" }, { n = "b" }, { n = "a" } }, mr.text "INSERT INTO user (name) VALUES (:n)")
  end)

  it("is named by its place also where the rows have several shapes", function()
    local e = refused("user.name (row 3 of the list)",
      { { name = "a" }, { name = "b", age = 1 }, { name = "a", age = 2 } })
    assert.equal("a", e.params[1])
    refused("user.name (row 4 of the list)",
      { { name = "a" }, { name = "b", age = 1 }, { name = "c" }, { name = "a" } })
  end)

  it("is named by its place where rows wait for a listener of executions", function()
    local function listener() end
    mr.event.listen(db.engine, "before_execute", listener)
    refused("user.name (row 2 of the list)", { { name = "a" }, { name = "a" }, { name = "c" } })
    mr.event.remove(db.engine, "before_execute", listener)
  end)

  it("is among those that one statement with returning inserts", function()
    local insert = mr.insert(User):returning(User.id)
    refused("user.name (one of the rows 1 to 2 of the list)", { { name = "a" }, { name = "a" } }, insert)
    refused("user.name (row 2 of the list)", { { name = "a" }, { name = "a", age = 1 } }, insert)
    refused("user.name (one of the rows 1 to 2 of the list)", { { name = "a" }, { name = "a" } },
      mr.insert(User):returning(User))
  end)

  it("of an UPDATE by key is named by its place", function()
    s:execute(mr.insert(User), { { id = 1, name = "a" }, { id = 2, name = "b" } })
    s:commit()
    refused("user.name (row 2 of the list)", { { id = 1, name = "x" }, { id = 2, name = "x" } }, mr.update(User))
  end)

  it("of an import is named by its place in the source, whatever the batches are", function()
    local rows = { { name = "a" }, { name = "b" }, { name = "c" }, { name = "b" } }
    for batch = 1, 5 do
      refuse("IntegrityError", "user.name (row 4 of the list)", s.import, s, User, rows, { batch = batch })
      s:rollback()
    end
  end)

  it("alone has no place", function()
    lacks(refused("user.name", { name = mr.null }), "(row")
    refused("user.name", { { name = mr.null } })
  end)

  it("of a flush is named by its object, or by its number among the new ones", function()
    s:add_all{ User{ name = "a" }, User{ name = "b" }, User{}, User{ name = "d" } }
    refuse("IntegrityError", "user.name (number 3 of 4 new User)", s.flush, s)
    s:rollback()
    s:add(User{})
    lacks(refuse("IntegrityError", "user.name", s.flush, s), "number")
    s:rollback()
    local ann, bob = User{ name = "ann" }, User{ name = "bob" }
    s:add_all{ ann, bob }
    s:commit()
    bob.name = "ann"
    ann.age = 1
    refuse("IntegrityError", "user.name (of <User 2>)", s.commit, s)
    s:rollback()
    s:execute(mr.insert(Post), { user_id = bob.id })
    s:delete(bob)
    refuse("IntegrityError", "post.user_id (of <Post 1>)", s.commit, s)
    s:rollback()
  end)

  it("of a flush is named where rows wait for a listener of executions, too", function()
    mr.event.listen(db.engine, "before_execute", function() end)
    s:add_all{ User{ name = "a" }, User{ name = "b" }, User{ name = "a" } }
    refuse("IntegrityError", "user.name (number 3 of 3 new User)", s.flush, s)
    s:rollback()
  end)
end)

describe("an attribute that a detached object has not", function()
  it("has expired, or is not loaded", function()
    local ann = User{ name = "ann" }
    s:add(ann)
    s:commit()
    s:expunge(ann)
    for _, name in ipairs{ "name", "posts", "id" } do
      local e = refuse("DetachedInstanceError", { name, "has expired", "commit", "merge", "expire_on_commit = false" },
        function() return ann[name] end)
      lacks(e, "never")
    end
    local again = User.query:first()
    s:expunge(again)
    assert.equal("ann", again.name)
    local e = refuse("DetachedInstanceError", { "'posts' is not loaded", "merge" }, function() return again.posts end)
    lacks(e, "expired")
    local part = User.query:options(mr.load_only(User.age)):first()
    s:expunge(part)
    refuse("DetachedInstanceError", { "'name' is not loaded" }, function() return part.name end)
    local gone = User.query:first()
    s:expire(gone)
    s:close()
    refuse("DetachedInstanceError", { "'name' has expired" }, function() return gone.name end)
  end)
end)

describe("a table that refers to itself by a key of two columns", function()
  it("names both in remote_side", function()
    local function node(name, remote_side)
      local t = name:lower()
      return db.Model:extend(name, {
        __tablename = t,
        a = db.Column{ db.Integer, primary_key = true },
        b = db.Column{ db.Integer, primary_key = true },
        parent_a = db.Column{ db.Integer },
        parent_b = db.Column{ db.Integer },
        parent = db.relationship(name, { backref = "children", remote_side = remote_side }),
        __table_args = { db.ForeignKeyConstraint({ "parent_a", "parent_b" }, { t .. ".a", t .. ".b" }) },
      })
    end
    local Pair = node "Pair"
    local values = { a = 1, b = 1, parent = Pair{} }
    refuse("ArgumentError", { "Pair.parent", 'remote_side = { "Pair.a", "Pair.b" })' }, Pair, values)
    local Good = node("Good", { "Good.a", "Good.b" })
    local root = Good{ a = 1, b = 1 }
    assert.equal(root, Good{ a = 1, b = 2, parent = root }.parent)
  end)
end)

describe("a file that cannot be written", function()
  -- Runs the script as another user if the specs run as root, who may write everything.
  local function as_user(script)
    local folder = os.tmpname()
    os.remove(folder)
    -- The clone may lie where only root looks.
    local module = assert(package.searchpath("moonrow", package.cpath))
    local copied = ("%s/moonrow.so"):format(folder)
    assert(os.execute(("mkdir -m 755 %s && cp %s %s && chmod 644 %s"):format(folder, module, copied, copied)))
    local file <close> = assert(io.open(folder .. "/script.lua", "w"))
    file:write(script)
    file:flush()
    local who <close> = assert(io.popen "id -u")
    local as = who:read "l" == "0"
      and ("chmod 644 %s/script.lua && setpriv --reuid=65534 --clear-groups "):format(folder)
    local command = "%senv 'LUA_CPATH=%s/?.so' lua5.4 %s/script.lua 2>&1"
    local pipe <close> = assert(io.popen(command:format(as or "", folder, folder)))
    local out = pipe:read "a"
    os.execute("rm -r " .. folder)
    return out
  end

  it("is named, and the permission", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute(("mkdir -m 777 %s"):format(folder)))
    local path = folder .. "/a.db"
    local file = mr.open("sqlite:///" .. path)
    file.session:execute(mr.text "CREATE TABLE t (x)")
    file.session:commit()
    file.engine:dispose()
    assert(os.execute(("chmod 444 %s"):format(path)))
    local out = as_user(([[
      local mr = require "moonrow"
      local db = mr.open "sqlite:///%s"
      print(#db.session:execute(mr.text "SELECT * FROM t"):all())
      local ok, e = pcall(db.session.execute, db.session, mr.text "INSERT INTO t VALUES (1)")
      print(ok, e.kind, e.message)
    ]]):format(path))
    os.execute("rm -r " .. folder)
    assert.matches("^0\nfalse\tOperationalError\t", out)
    assert.matches("attempt to write a readonly database", out)
    assert.matches("no permission to write", out)
    assert.matches("(the file is " .. path .. ")", out, 1, true)
  end)

  it("is named where the folder alone cannot be written, in which the journal would stand", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute(("mkdir %s"):format(folder)))
    local path = folder .. "/a.db"
    local file = mr.open("sqlite:///" .. path)
    file.session:execute(mr.text "CREATE TABLE t (x)")
    file.session:commit()
    file.engine:dispose()
    assert(os.execute(("chmod 666 %s && chmod 555 %s"):format(path, folder)))
    local out = as_user(([[
      local mr = require "moonrow"
      local db = mr.open "sqlite:///%s"
      local ok, e = pcall(db.session.execute, db.session, mr.text "INSERT INTO t VALUES (1)")
      print(ok, e.kind, e.message)
    ]]):format(path))
    os.execute(("chmod 755 %s && rm -r %s"):format(folder, folder))
    assert.matches("^false\tOperationalError\t", out)
    assert.matches("its folder, gives this program no permission to write (the file is " .. path .. ")", out, 1, true)
  end)

  it("in a transaction that only reads is not tried", function()
    refuse("InvalidRequestError", { "read-only", "INSERT INTO user" }, s.begin, s, function()
      s:execute(mr.text "INSERT INTO user (name) VALUES ('a')")
    end, { read_only = true })
  end)
end)

describe("another Lua than 5.4", function()
  for _, lua in ipairs{ "lua5.1", "luajit", "lua5.2", "lua5.3" } do
    local which <close> = assert(io.popen("command -v " .. lua))
    if which:read "l" then
      it("is told by " .. lua .. " what it must be", function()
        local path = package.cpath
        local set = ("LUA_CPATH='%s' LUA_CPATH_5_2='%s' LUA_CPATH_5_3='%s'"):format(path, path, path)
        local command = ("%s %s -e 'require \"moonrow\"' 2>&1"):format(set, lua)
        local pipe <close> = assert(io.popen(command))
        local out = pipe:read "a"
        assert.matches("moonrow needs Lua 5.4: this is Lua 5.%d %(start the program with lua5.4,", out)
        assert.falsy(out:find("undefined symbol", 1, true))
      end)
    end
  end
end)
