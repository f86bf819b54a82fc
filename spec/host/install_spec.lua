-- install_spec.lua: what `make install` puts in place, that a program builds and runs with it, and that
-- `make uninstall` leaves nothing; the Debian packages, the rock, and the tarball.

local folder = os.getenv "BUILD" or "build"

local function run(command)
  local pipe = assert(io.popen("(" .. command .. ") 2>&1"))
  local text = pipe:read "a"
  local ok = pipe:close()
  return text, ok == true
end

local function has(command) return select(2, run("command -v " .. command)) end

local function is_file(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

describe("make install", function()
  if not is_file(folder .. "/moonrow") or not is_file(folder .. "/lib/moonrow.so") then return end

  local scratch

  local function make(words)
    local text, ok = run(("make -s --no-print-directory BUILD='%s' %s"):format(folder, words))
    assert.truthy(ok, text)
    return text
  end

  setup(function()
    scratch = os.tmpname()
    os.remove(scratch)
    os.execute("mkdir -p " .. scratch)
  end)

  teardown(function() os.execute("rm -rf " .. scratch) end)

  it("puts everything in place, which runs from there", function()
    local prefix = scratch .. "/at"
    make("install PREFIX=" .. prefix)
    for _, path in ipairs{ "bin/moonrow", "lib/lua/5.4/moonrow.so", "lib/libmoonrow.a", "lib/pkgconfig/moonrow.pc",
      "include/moonrow.h", "include/moonrow/session.h", "share/moonrow/meta/init.lua", "share/man/man1/moonrow.1",
      "share/bash-completion/completions/moonrow", "share/doc/moonrow/examples/guide/tutorial.md" } do
      assert.truthy(is_file(prefix .. "/" .. path), path)
    end
    local version = run(prefix .. "/bin/moonrow -v"):match "moonrow (%S+)"
    local config = ("PKG_CONFIG_PATH=%s/lib/pkgconfig pkg-config "):format(prefix)
    assert.equal(version .. "\n", run(config .. "--modversion moonrow"))
    assert.equal("moonrow " .. version .. "\n",
      run(("LUA_CPATH='%s/lib/lua/5.4/?.so' lua5.4 -e 'print(require(\"moonrow\")._VERSION)'"):format(prefix)))
    local text, ok = run(("cd %s/share/doc/moonrow/examples/embed && cc -o %s/embed embed.c "
      .. "$(%s --cflags --libs moonrow) && %s/embed model.lua"):format(prefix, scratch, config, scratch))
    assert.truthy(ok, text)
    assert.truthy(text:find("found: ", 1, true), text)
    make("uninstall PREFIX=" .. prefix)
    assert.equal("", run("find " .. prefix .. " -type f"))
    assert.equal("", run("find " .. prefix .. " -type d -name moonrow"))
  end)

  it("leaves other people's files alone when it is taken away, and strips where it is asked", function()
    local prefix = scratch .. "/stripped"
    make("install-strip PREFIX=" .. prefix)
    assert.truthy(run(prefix .. "/bin/moonrow -e 'print(1 + 1)'") == "2\n")
    local function size(path) return tonumber((run("wc -c < " .. path))) end
    assert.truthy(size(prefix .. "/bin/moonrow") < size(folder .. "/moonrow"))
    run(("touch %s/bin/other %s/include/moonrow/theirs.h"):format(prefix, prefix))
    make("uninstall PREFIX=" .. prefix)
    assert.equal(prefix .. "/bin/other\n" .. prefix .. "/include/moonrow/theirs.h\n",
      run("find " .. prefix .. " -type f | sort"))
  end)

  it("completes commands, options, files and words in bash", function()
    if not has "bash" then pending "bash is not installed"; return end
    local at = scratch .. "/completed"
    run(("mkdir -p %s/folder && touch %s/models.lua %s/game.db"):format(at, at, at))
    local host = folder:sub(1, 1) == "/" and folder or run("pwd"):gsub("\n", "") .. "/" .. folder
    local script = run("pwd"):gsub("\n", "") .. "/src/package/moonrow.bash"
    -- What is offered for the last of the words, sorted.
    local function offered(words)
      local text = run(([[cd %s && PATH="%s:$PATH" bash -c '. %s; COMP_WORDS=(moonrow %s);
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _moonrow; printf "%%s\n" "${COMPREPLY[@]}" | sort']]):format(at, host,
        script, words))
      return (text:gsub("\n$", ""):gsub("\n", " "))
    end
    for words, expected in pairs{
      ["mod"] = "models models.lua", ["chec"] = "check", ["--vers"] = "--version", ["migrate up"] = "upgrade",
      ["check --js"] = "--json", ["check --json g"] = "game.db", ['check -m ""'] = "folder models.lua",
      ['migrate -d ""'] = "folder", ["help impo"] = "import", ["import --format js"] = "json jsonl",
      ["game.db --"] = "", ['import a b -t ""'] = "", ["models.lua che"] = "",
    } do assert.equal(expected, offered(words), words) end
  end)

  it("makes Debian packages, each file in one of them", function()
    if not has "dpkg-deb" then pending "dpkg-deb is not installed"; return end
    local text = make "deb"
    local names = {}
    for path in text:gmatch "[^\n]+%.deb" do
      names[#names + 1] = path:match "([^/]+)_[^_]+_[^_]+%.deb$"
      run(("dpkg-deb -x %s %s/root"):format(path, scratch))
    end
    assert.same({ "moonrow", "lua-moonrow", "libmoonrow-dev" }, names)
    assert.equal("2\n", run(scratch .. "/root/usr/bin/moonrow -e 'print(1 + 1)'"))
    assert.truthy(is_file(scratch .. "/root/usr/share/man/man1/moonrow.1.gz"))
    assert.truthy(is_file(scratch .. "/root/usr/include/moonrow.h"))
  end)

  it("makes Debian packages that lintian accepts", function()
    if not has "dpkg-deb" or not has "lintian" then pending "lintian is not installed"; return end
    local text = run("lintian --allow-root --fail-on error,warning --pedantic " .. folder .. "/deb/*.deb")
    assert.falsy(text:find "%f[^\n\0][EWP]: ", text)
  end)

  it("makes a rock of the tree that luarocks installs and takes away", function()
    if not has "luarocks" then pending "luarocks is not installed"; return end
    if folder ~= "build" then pending "another build would be made anew"; return end
    local tree = scratch .. "/checkout"
    run(("mkdir -p %s/build && cp -a Makefile LICENSE README.md src lua examples *.rockspec %s && "
      .. "cp -a build/obj build/gen build/lib build/moonrow %s/build"):format(tree, tree, tree))
    local rocks = "luarocks --lua-version 5.4 --tree " .. scratch .. "/rocks "
    local text, ok = run(("cd %s && %s make moonrow-dev-1.rockspec"):format(tree, rocks))
    assert.truthy(ok, text)
    local version = run(folder .. "/moonrow -v"):match "moonrow (%S+)"
    local print_version = [[lua5.4 -e 'print(require("moonrow")._VERSION)']]
    assert.equal("moonrow " .. version .. "\n", run(('eval "$(%s path)" && cd / && %s'):format(rocks, print_version)))
    assert.equal("2\n", run(scratch .. "/rocks/bin/moonrow -e 'print(1 + 1)'"))
    assert.equal(scratch .. "/rocks/lib/lua/5.4/moonrow.so\n", run(("find %s/rocks/lib/lua -type f"):format(scratch)))
    text, ok = run(rocks .. "remove moonrow")
    assert.truthy(ok, text)
    assert.equal("", run(("find %s/rocks -name 'moonrow*' -type f"):format(scratch)))
  end)

  it("makes a tarball that builds without git", function()
    if not has "git" or not is_file ".git/HEAD" and not is_file ".git" then pending "this is no checkout"; return end
    make "dist"
    local name = "moonrow-" .. run(folder .. "/moonrow -v"):match "moonrow (%S+)"
    local listed = run(("tar -tzf %s/%s.tar.gz"):format(folder, name))
    assert.truthy(listed:find(name .. "/Makefile\n", 1, true))
    assert.truthy(listed:find(name .. "/src/bind/module.c\n", 1, true))
    local text, ok = run(("tar -xzf %s/%s.tar.gz -C %s && make -s -n -C %s/%s all")
      :format(folder, name, scratch, scratch, name))
    assert.truthy(ok, text)
    assert.falsy(text:find("git ", 1, true), text:match "[^\n]*git [^\n]*")
  end)
end)
