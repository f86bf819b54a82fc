-- select.lua: users, their posts and the posts' notes, and how a select is looked at: its rows, its SQL on SQLite and
-- on PostgreSQL, the number of its statements.

local mr = require "moonrow"

local postgresql = require "spec.support.postgresql"

local M = {}

--- Opens the database with three users (ann 30, bob 20, cid without an age), ann's posts a1 and a2, bob's post b1, and
--- the notes n1 on a1, n2 on b1. The table has db, session, User, Post, Note, Tag, and the functions below.
function M.open()
  local db = mr.open "sqlite://"
  local w = { db = db, session = db.session }
  w.post_tag = db.Table("post_tag",
    db.Column{ "post_id", db.Integer, db.ForeignKey "post.id", primary_key = true },
    db.Column{ "tag_id", db.Integer, db.ForeignKey "tag.id", primary_key = true })
  w.User = db.Model:extend("User", {
    id      = db.Column{ db.Integer, primary_key = true },
    name    = db.Column{ db.String(20) },
    age     = db.Column{ db.Integer },
    active  = db.Column{ db.Boolean },
    boss_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    posts   = db.relationship("Post", { backref = "author", order_by = "Post.id" }),
    boss    = db.relationship("User", { remote_side = "User.id", backref = "staff" }),
  })
  w.Post = db.Model:extend("Post", {
    id      = db.Column{ db.Integer, primary_key = true },
    title   = db.Column{ db.String(20) },
    user_id = db.Column{ db.Integer, db.ForeignKey "user.id" },
    notes   = db.relationship("Note", { backref = "post" }),
    tags    = db.relationship("Tag", { secondary = w.post_tag, backref = "posts" }),
  })
  w.Note = db.Model:extend("Note", {
    id      = db.Column{ db.Integer, primary_key = true },
    body    = db.Column{ db.String(20) },
    post_id = db.Column{ db.Integer, db.ForeignKey "post.id" },
  })
  w.Tag = db.Model:extend("Tag", {
    id   = db.Column{ db.Integer, primary_key = true },
    word = db.Column{ db.String(20) },
  })
  function w.User:__tostring() return self.name end
  function w.Post:__tostring() return self.title end
  function w.Note:__tostring() return self.body end
  db:create_all()
  local User, Post, Note, Tag = w.User, w.Post, w.Note, w.Tag
  local ann = User{ name = "ann", age = 30, active = true }
  local lua, sql = Tag{ word = "lua" }, Tag{ word = "sql" }
  w.session:add_all{
    ann, User{ name = "bob", age = 20, active = false, boss = ann }, User{ name = "cid", boss = ann },
    Post{ title = "a1", author = ann, notes = { Note{ body = "n1" } }, tags = { lua, sql } },
    Post{ title = "a2", author = ann, tags = { lua } },
  }
  w.session:flush()
  w.session:add(Post{ title = "b1", user_id = 2, notes = { Note{ body = "n2" } } })
  w.session:commit()
  w.session:remove()

  --- The rows of a select or query as one text: "ann a1; ann a2".
  function w.rows(q, params)
    local lines = {}
    for i, row in ipairs(w.session:execute(q, params):all()) do
      local values = {}
      for k = 1, #row do values[k] = row[k] == nil and "-" or tostring(row[k]) end
      lines[i] = table.concat(values, " ")
    end
    return table.concat(lines, "; ")
  end

  --- The statements that fn sends.
  function w.sent(fn)
    local texts = {}
    for i, record in ipairs(db:record(fn)) do texts[i] = record.statement end
    return texts
  end

  --- Asserts the rows, and that one statement gave them; and its SQL, where that is given.
  function w.gives(rows, q, sql_text, params)
    local got
    local texts = w.sent(function() got = w.rows(q, params) end)
    assert(#texts == 1, ("%d statements:\n%s"):format(#texts, table.concat(texts, "\n")))
    assert(got == rows, ("expected rows %q, got %q from %s"):format(rows, got, texts[1]))
    local same = not sql_text or postgresql.same_sql(texts[1], sql_text)
    assert(same, ("expected SQL\n%s\ngot\n%s"):format(sql_text, texts[1]))
  end

  local engine
  --- The SQL that a session of PostgreSQL sends for the statement.
  function w.postgresql(q, params)
    engine = engine or mr.create_engine "mock+postgresql://"
    local session = mr.Session(engine)
    local texts = {}
    local listener = function(_, statement) texts[#texts + 1] = statement end
    mr.event.listen(engine, "before_execute", listener)
    local ok, e = pcall(function() session:execute(q, params):all() end)
    mr.event.remove(engine, "before_execute", listener)
    session:close()
    if not ok then error(e, 0) end
    return texts[#texts]
  end

  --- Asserts that SQL.
  function w.on_postgresql(sql_text, q, params)
    local got = w.postgresql(q, params)
    assert(got == sql_text, ("expected SQL\n%s\ngot\n%s"):format(sql_text, got))
  end
  return w
end

return M
