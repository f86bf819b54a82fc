-- catalogue.lua: the host's commands: their words, their options, and what is said of them.
--
-- Invariant: what --help, the completion and the reading of arguments know of a command is in this table alone. A spec
-- compares it with the manual page.

local JSON = { "--json", text = "the answer as JSON" }
local MODELS = { "-m", "FILE", key = "models", text = "runs the file of Lua that declares the classes" }
local HELP = { "--help", short = "-h", text = "this text" }

-- Each command: module: what runs it; takes: the words that must be there; most: how many may be; synopsis: its words
-- and options in short; summary: in one line; about: more of it. An option: its name; the name of its value, where it
-- has one; text; key: its field in what arguments.read gives, where that is not its own name; many: it may be there
-- several times. A command of migrate's: its name, what stands behind it, what it does; words: how many stand there,
-- if that is always the same; options: the keys of those that it takes.
local list = {
  {
    name = "shell",
    takes = {}, most = 1, synopsis = "[URL] [-m models.lua]",
    summary = "a shell on a database: its tables, or your classes",
    about = "Without the word it is the same: moonrow game.db",
    options = { MODELS },
  },
  {
    name = "models", module = "moonrow.models.command",
    takes = { "URL" }, most = 2,
    synopsis = "URL, or: models --check URL models.lua",
    summary = "writes classes for the tables of a database, or compares the two",
    about = "With --check it runs the file, and fails where tables of its classes and those of the database differ.",
    options = { { "--check", text = "says where the database and the file of classes differ" },
      { "-m", "FILE", key = "models", text = "the file of classes, in place of the second word" },
      { "--json", text = "with --check: the differences as JSON" } },
  },
  {
    name = "diagram", module = "moonrow.models.command",
    takes = { "URL" }, most = 1, synopsis = "[--dot | --mermaid] URL",
    summary = "draws the tables and their keys as SVG",
    about = "The drawing is that of graphviz's dot; where that is not installed, it is Mermaid text.",
    options = { { "--dot", text = "as text for graphviz" }, { "--mermaid", text = "as text for Mermaid" } },
  },
  {
    name = "migrate", module = "moonrow.revisions.command",
    takes = { "COMMAND" }, most = 2,
    synopsis = "[-d FOLDER] [--url URL] COMMAND",
    summary = "revisions of an application's tables",
    options = {
      { "-d", "FOLDER", key = "folder", text = "the folder of revisions; else migrations" },
      { "--url", "URL", text = "the database; else the one of the folder's config.lua" },
      { "-m", "TEXT", key = "message", text = "what the revision is about" },
      { "--autogenerate", text = "of revision: writes what differs between models and database" },
      { "--rename", "TABLE.OLD=NEW", many = true,
        text = "of revision: a column that has another name now; TABLE=NEW: a table" },
      { "--sql", text = "of upgrade and downgrade: prints the SQL, and changes nothing" },
      { "--json", text = "the answer of current, history, heads, show and check as JSON" },
    },
    commands = {
      { "init", "", "makes the folder, with its config.lua", words = 0, options = "" },
      { "revision", '-m "..."', "a new revision", words = 0, options = "message autogenerate rename" },
      { "upgrade", "[REV|+N|heads]", "runs what has not run", options = "sql" },
      { "downgrade", "REV|base|-N", "takes back what follows the revision", words = 1, options = "sql" },
      { "current", "", "where the database is", words = 0, options = "json" },
      { "history", "", "all revisions, the last first", words = 0, options = "json" },
      { "heads", "", "the revisions that none follows", words = 0, options = "json" },
      { "show", "REV", "a revision", words = 1, options = "json" },
      { "merge", '[-m "..."]', "a revision that joins all heads", words = 0, options = "message" },
      { "stamp", "REV|head|base|current", "the database counts as being there; nothing runs", words = 1, options = "" },
      { "check", "", "do models and database agree?", words = 0, options = "json" },
      { "test", "", "builds each version, upgrades it, and compares it with the models", words = 0, options = "" },
    },
  },
  {
    name = "check", module = "moonrow.command.check",
    takes = { "URL" }, most = 1, synopsis = "URL [-m models.lua] [--json]",
    summary = "finds what is wrong with a database",
    about = "It looks at the file's integrity and at foreign keys; with -m also for differences from your classes.\n"
      .. "It ends with status 1 where it finds something.",
    options = { MODELS, JSON },
  },
  {
    name = "dump", module = "moonrow.command.dump",
    takes = { "URL" }, most = math.huge, synopsis = "URL [TABLE...]",
    summary = "writes a database as SQL, or the rows of a table as CSV or JSON",
    about = "The SQL is read by sqlite3 or psql, which make the same database of it.",
    options = { { "--csv", text = "the rows of the one table that is named, as CSV" },
      { "--json", text = "the rows of the one table that is named, as JSON lines" },
      { "-o", "FILE", key = "output", text = "writes into the file, which appears when all is in it" } },
  },
  {
    name = "import", module = "moonrow.command.import",
    takes = { "URL", "FILE" }, most = 2, synopsis = "URL FILE -t TABLE",
    summary = "reads rows of a file (CSV, JSON, JSON lines) into a table",
    about = "All rows go in, or none. FILE may be -, the standard input. Values are read as the columns' types say.",
    options = {
      { "-t", "TABLE", key = "table", text = "the table, or with -m also the class" }, MODELS,
      { "--format", "FORMAT", text = "csv, tsv, json or jsonl; else the name of the file says it" },
      { "--columns", "A,B,C", text = "the columns of CSV, whose first line does not name them then" },
      { "--delimiter", "C", text = "the character between the fields of CSV; else a comma" },
      { "--skip", text = "leaves rows out that cannot go in, names them, and ends with status 1" },
      { "--json", text = "how many went in, and what did not, as JSON" },
    },
  },
  {
    name = "annotate", module = "moonrow.command.annotate",
    takes = { "models.lua" }, most = 1, synopsis = "models.lua",
    summary = "writes annotations of its classes, for editors",
    options = {},
  },
  {
    name = "version", module = "moonrow.command.version",
    takes = {}, most = 0, synopsis = "[--json]",
    summary = "the versions of moonrow and of the libraries that it uses",
    options = { JSON },
  },
  {
    name = "help", module = "moonrow.command.help",
    takes = {}, most = 1, synopsis = "[COMMAND]",
    summary = "what moonrow or a command can do",
    options = {},
  },
}

-- The options of the host itself.
local own = {
  { "-e", "stat", text = "execute string 'stat'; without a script, mr is the module there" },
  { "-i", text = "enter interactive mode after executing 'script'" },
  { "-l", "mod", text = "require library 'mod' into global 'mod'; g=mod: into global 'g'" },
  { "-m", "file", text = "the shell begins with the classes that the script declares" },
  { "-v", text = "show version information" },
  { "--version", text = "the same, and nothing else" },
  { "-h", text = "show this, as --help does" },
  { "-E", text = "ignore environment variables" },
  { "-W", text = 'turn warnings on (they are, unless a script says warn "@off")' },
  { "--", text = "stop handling options" },
  { "-", text = "stop handling options and execute stdin" },
}

local by_name = {}
for _, command in ipairs(list) do
  by_name[command.name] = command
  command.options[#command.options + 1] = HELP
end

return { list = list, by_name = by_name, own = own }
