-- The rockspec is true: its build uses targets and variables of the Makefile, and the system's SQLite.

describe("the rockspec", function()
  local function read(path)
    local file <close> = assert(io.open(path))
    return file:read "a"
  end

  local rock = {}
  assert(load(read "moonrow-dev-1.rockspec", "rockspec", "t", rock))()
  local makefile = "\n" .. read "Makefile"

  it("builds and installs by what the Makefile has", function()
    assert.equal("make", rock.build.type)
    assert.truthy(makefile:find("\n" .. rock.build.build_target .. ":", 1, true))
    assert.truthy(makefile:find "\ninstall:")
    for _, variables in ipairs{ rock.build.build_variables, rock.build.install_variables } do
      for name in pairs(variables) do assert.truthy(makefile:find("\n" .. name .. "%s*="), name) end
    end
  end)

  it("asks for the SQLite that it is built over", function()
    assert.equal("sqlite3.h", rock.external_dependencies.SQLITE.header)
    assert.is_nil(rock.description.detailed:lower():find("built in", 1, true))
    assert.truthy(rock.description.detailed:find("system's SQLite", 1, true))
  end)

  it("is of the version that the library has", function()
    assert.equal("moonrow", rock.package)
    assert.equal("moonrow-" .. rock.version .. ".rockspec", "moonrow-dev-1.rockspec")
  end)
end)
