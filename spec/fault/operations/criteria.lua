-- Criteria along relationships, counts and subqueries of them, and dates as text.

local mr = require "moonrow"

local function ids(query)
  local list = {}
  for i, object in ipairs(query:all()) do list[i] = object.id end
  table.sort(list)
  return table.concat(list, " ")
end

return {
  setup = function()
    local db = mr.open "sqlite://"
    local link = db.Table{ "link", db.metadata, db.Column{ "a", db.Integer, db.ForeignKey "person.id" },
                           db.Column{ "b", db.Integer, db.ForeignKey "person.id" }, db.Column{ "kind", db.Integer } }
    local Person
    Person = db.Model:extend("Person", {
      id = db.Column{ db.Integer, primary_key = true },
      boss_id = db.Column{ db.Integer, db.ForeignKey "person.id" },
      boss = db.relationship{ "Person", remote_side = "Person.id", backref = "staff" },
      friends = db.relationship{ "Person", secondary = link, viewonly = true,
        primaryjoin = function() return Person.id:eq(link.c.a) & link.c.kind:eq(1) end,
        secondaryjoin = function() return Person.id:eq(link.c.b) end },
    })
    db:create_all()
    local one = Person{ id = 1 }
    db.session:add_all{ one, Person{ id = 2, boss_id = 1 }, Person{ id = 3, boss_id = 1 } }
    db.session:flush()
    db.session:execute(mr.insert(link):values{ { a = 1, b = 2, kind = 1 }, { a = 1, b = 3, kind = 2 } })
    db.session:commit()
    return { db = db, Person = Person, one = one, two = db.session:get(Person, 2), date = mr.date(2024, 2, 29) }
  end,
  run = function(c)
    local Person, session = c.Person, c.db.session
    c.any = ids(Person.query:filter(Person.staff:any(Person.id:eq(3))))
    c.of_boss = ids(Person.query:filter(Person.boss:eq(c.one)))
    c.of_another = ids(Person.query:filter(Person.boss:ne(c.one)))
    c.containing = ids(Person.query:filter(Person.friends:contains(c.two)))
    local friends = Person.query:with_parent(c.one, Person.friends)
    c.friends, c.count = ids(friends), friends:count()
    c.exists = session:query(friends:exists()):scalar()
    local sub = Person.query:filter(Person.boss:is_not(nil)):subquery("sub")
    c.sub = session:query(sub.c.id):filter(sub.c.boss_id:eq(1)):order_by(sub.c.id):all()
    c.updated = Person.query:with_parent(c.one, Person.staff):update({ boss_id = 1 })
    c.text = c.date:format "%A %d. %B %Y, %F"
    session:rollback()
  end,
  check = function(c)
    assert(c.any == "1" and c.of_boss == "2 3" and c.of_another == "1" and c.containing == "1")
    assert(c.friends == "2" and c.count == 1 and c.exists == true and #c.sub == 2 and c.updated == 2)
    assert(c.text == "Thursday 29. February 2024, 2024-02-29")
  end,
}
