-- moonrow annotate: annotations of the classes that a file declares, as an editor reads them.

local annotations = require "spec.doc.annotations"
local with_script = require "spec.support.script"

local binary = (os.getenv "BUILD" or "build") .. "/moonrow"
local present = io.open(binary, "rb")
if present then present:close() end

-- What the command prints in the folder, its standard error, and its exit code.
local function annotate(arguments, folder)
  local errors = os.tmpname()
  local program = folder and binary:sub(1, 1) ~= "/" and "$OLDPWD/" .. binary or binary
  local pipe = assert(io.popen(("cd %s && %s annotate %s 2>%s"):format(folder or ".", program, arguments, errors)))
  local text = pipe:read "a"
  local _, _, code = pipe:close()
  local file <close> = assert(io.open(errors))
  local said = file:read "a"
  os.remove(errors)
  return text, said, code
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- The text, read with the library's own annotations by the grammar that their spec has.
local function parsed(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
  local paths = { path }
  for _, name in ipairs(annotations.files) do table.insert(paths, 1, annotations.folder .. name .. ".lua") end
  local ok, all = pcall(annotations.read, paths)
  os.remove(path)
  assert(ok, all)
  for _, use in ipairs(all.uses) do assert.is_true(all.knows(use), use.line .. ": " .. use.name) end
  return all
end

describe("moonrow annotate", function()
  if not present then
    pending "the host has not been built"
    return
  end

  local models = {
    { "spec/host/annotated/shop.lua", "spec/host/annotated/shop.meta.lua" },
    { "examples/blog.lua", "spec/host/annotated/blog.meta.lua" },
    { "examples/quickstart.lua", "spec/host/annotated/quickstart.meta.lua" },
  }

  for _, pair in ipairs(models) do
    it("writes what is expected of " .. pair[1], function()
      local text, _, code = annotate(pair[1])
      assert.equal(0, code)
      assert.equal(read(pair[2]), text)
    end)

    it("writes Lua of " .. pair[1] .. ", which an editor can read", function()
      local text = read(pair[2])
      assert(load(text, "=annotations", "t", {}))()
      parsed(text)
    end)
  end

  it("finds modules beside the file, from any folder", function()
    local text, said, code = annotate("examples/declarative/models.lua")
    assert.equal(0, code, said)
    assert.matches("---@class User: User.Class, moonrow.Object", text, 1, true)
    assert.matches("---@overload fun(name: any, email: any): User", text, 1, true)
    parsed(text)
    assert.equal(text:gsub("examples/declarative/", ""), (annotate("models.lua", "examples/declarative")))
    os.remove "examples/declarative/declarative.db"
    os.remove "declarative.db"
  end)

  it("tells an editor what an attribute is", function()
    local all = parsed(read "spec/host/annotated/shop.meta.lua")
    local types = {}
    for _, field in ipairs(all.classes.Item.fields) do types[field.name] = field.type end
    assert.equal("integer", types.id)
    assert.equal("number|nil", types.price)
    assert.equal('"new"|"sold"', types.state)
    assert.equal("Shelf", types.shelf)
    assert.equal("Item|nil", types.box)
    assert.equal("moonrow.Collection<Tag>", types.tags)
    local quickstart = parsed(read "spec/host/annotated/quickstart.meta.lua")
    assert.same({ "User.Class", "moonrow.Object" }, quickstart.classes.User.extends)
  end)

  it("writes what the program prints to the standard error, and gives it no arguments", function()
    local text, said = annotate "spec/host/annotated/shop.lua"
    assert.matches("^%-%-%-@meta _\n", text)
    assert.equal("the shop opens\t0\nand writes\n", said)
  end)

  it("says what is wrong, and writes nothing then", function()
    for arguments, words in pairs{
      [""] = "usage: moonrow annotate models.lua",
      ["a.lua b.lua"] = "usage: moonrow annotate models.lua",
      ["/nowhere/models.lua"] = "cannot open",
    } do
      local text, said, code = annotate(arguments)
      assert.equal("", text)
      assert.equal(words:find "usage" and 2 or 1, code)
      assert.matches(words, said, 1, true)
    end
    local unknown = [[local db = require "moonrow".open "sqlite://"
      db.Model:extend("A", { id = db.Column{ db.Integer, primary_key = true }, b = db.relationship "B" })]]
    for source, words in pairs{
      ["return 5"] = "declares no class with a table",
      ["local x = = 5"] = "unexpected symbol",
      ["error 'not today'"] = "not today",
      ["require 'moonrow'.Colum{}"] = "did you mean 'Column'?",
      [unknown] = "there is no class 'B'",
    } do
      with_script(source, function(path)
        local text, said, code = annotate(path)
        assert.equal("", text)
        assert.equal(1, code)
        assert.matches(words, said, 1, true)
      end)
    end
  end)

  it("leaves out what an editor cannot tell apart, and says so", function()
    with_script([[
      local mr = require "moonrow"
      for i = 1, 2 do
        local db = mr.open "sqlite://"
        db.Model:extend("Twice", { id = db.Column{ db.Integer, primary_key = true } })
      end
      local db = mr.open "sqlite://"
      db.Model:extend("odd name", { __tablename = "odd", id = db.Column{ db.Integer, primary_key = true } })
    ]], function(path)
      local text, said, code = annotate(path)
      assert.equal(0, code)
      assert.matches("a second class 'Twice' is left out", said, 1, true)
      assert.matches("the class 'odd name' is left out", said, 1, true)
      assert.equal(1, select(2, text:gsub("%-%-%-@class Twice: ", "")))
      parsed(text)
    end)
  end)

  it("is no command where a script of that name is meant", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    local file = assert(io.open(folder .. "/annotate", "w"))
    file:write "print('the script', ...)"
    file:close()
    local program = binary:sub(1, 1) == "/" and binary or "$OLDPWD/" .. binary
    local pipe = assert(io.popen(("cd %s && %s ./annotate 1"):format(folder, program)))
    local out = pipe:read "a"
    pipe:close()
    os.execute("rm -r " .. folder)
    assert.equal("the script\t1\n", out)
  end)
end)
