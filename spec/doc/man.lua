-- man.lua: makes the manual page moonrow(3), which is the reference in roff.

local markdown = require "spec.doc.markdown"
local names = require "spec.doc.names"
local reference = require "spec.doc.reference"

local man = {}

local escape, inline = markdown.roff_escape, markdown.roff_inline

local function title(text) return '"' .. escape(text):gsub('"', "\\(dq") .. '"' end

local function errors(out, item)
  for _, e in ipairs(item.errors) do
    out[#out + 1] = (".TP\nRaises \\fB%s\\fR\n%s"):format(escape(e.kind), inline(e.when))
  end
end

local function class_item(out, class)
  out[#out + 1] = ".SS " .. title(names.spelled(class))
  for _, parent in ipairs(class.extends) do
    out[#out + 1] = ".PP\nHas all that \\fB" .. escape(parent) .. "\\fR has."
  end
  out[#out + 1] = markdown.roff(class.text)
  for _, field in ipairs(class.fields) do
    out[#out + 1] = (".TP\n\\fB%s\\fR (%s)"):format(escape(field.name .. (field.optional and "?" or "")),
      escape(field.type))
    local text = field.text ~= "" and field.text or field.comment
    out[#out + 1] = text == "" and "." or ((markdown.roff(text):gsub("^%.PP\n", "")):gsub("\n%.PP\n", "\n.IP\n"))
  end
  errors(out, class)
end

local function function_item(out, item)
  out[#out + 1] = ".SS " .. title(reference.signature(item))
  out[#out + 1] = markdown.roff(item.text)
  for _, param in ipairs(item.params) do
    if param.name ~= "self" and not param.unsaid then
      out[#out + 1] = (".TP\n\\fI%s\\fR (%s)\n%s"):format(escape(param.name .. (param.optional and "?" or "")),
        escape(param.type), param.comment == "" and "\\&" or inline(param.comment))
    end
  end
  for _, one in ipairs(item.returns) do
    out[#out + 1] = (".TP\nReturns\n%s %s"):format(escape(one.type), inline(one.comment))
  end
  errors(out, item)
end

local function alias_item(out, alias)
  out[#out + 1] = ".SS " .. title(names.spelled(alias))
  out[#out + 1] = markdown.roff(alias.text)
  local values = {}
  for i, value in ipairs(alias.values) do values[i] = escape(value.value) end
  if alias.type then table.insert(values, 1, escape(alias.type)) end
  out[#out + 1] = ".PP\n" .. table.concat(values, "\n")
end

-- man.page(all, version): the text of moonrow.3.
function man.page(all, version, fixture)
  local out = {
    ('.TH MOONROW 3 "" "moonrow %s" "Lua library"'):format(version), ".SH NAME",
    "moonrow \\- an object\\-relational mapper for Lua",
    ".SH SYNOPSIS", ".EX", 'local mr = require "moonrow"', 'local db = mr.open "sqlite:///file.db"', ".EE",
    ".SH DESCRIPTION",
    "What each name does, with an example, which is run as a test. The guide, and this text with search, are in HTML.",
    ".PP", "The examples begin with these classes and objects:", ".RS 2", ".EX", (escape(fixture:gsub("\n$", ""))),
    ".EE", ".RE",
  }
  for _, file in ipairs(all.files) do
    out[#out + 1] = ".SH " .. title((reference.titles[file.name] or file.name):upper())
    for _, item in ipairs(file) do
      local make = item.kind == "class" and class_item or item.kind == "alias" and alias_item or function_item
      make(out, item)
    end
  end
  out[#out + 1] = ".SH SEE ALSO\n.BR lua5.4 (1),\n.BR sqlite3 (1)"
  local text = {}
  for _, part in ipairs(out) do
    if part ~= "" then text[#text + 1] = part end
  end
  return table.concat(text, "\n") .. "\n"
end

return man
