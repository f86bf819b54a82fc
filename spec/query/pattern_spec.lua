-- LIKE and the methods that use it: an escape character that would change the result is refused.

local mr = require "moonrow"
local refuse = require "spec.support.refuse"

describe("a pattern", function()
  local db, Word

  before_each(function()
    db = mr.open "sqlite://"
    Word = db.Model:extend("Word", {
      id   = db.Column{ db.Integer, primary_key = true },
      text = db.Column{ db.String(40) },
    })
    db:create_all()
    for _, text in ipairs{ "50%", "50x", "aXb", "axb", "a_b", "a/b", "aéb", "Äpfel" } do
      db.session:add(Word{ text = text })
    end
    db.session:commit()
  end)

  local function found(criterion)
    local texts = {}
    for i, word in ipairs(Word.query:filter(criterion):order_by(Word.id):all()) do texts[i] = word.text end
    return table.concat(texts, " ")
  end

  it("has any one character as its escape, a letter too where the case counts", function()
    assert.equal("50%", found(Word.text:like("50!%", { escape = "!" })))
    assert.equal("50%", found(Word.text:like("50x%", { escape = "x" })))
    assert.equal("50%", found(Word.text:like("50é%", { escape = "é" })))
    assert.equal("50%", found(Word.text:ilike("50é%", { escape = "é" })))
    assert.equal("50%", found(Word.text:like("50'%", { escape = "'" })))
    for _, escape in ipairs{ "/", "!", "x", "é", "'" } do
      assert.equal("50%", found(Word.text:contains("%", { escape = escape })), escape)
      assert.equal("a_b", found(Word.text:startswith("a_", { escape = escape })), escape)
      assert.equal("aéb", found(Word.text:endswith("éb", { escape = escape })), escape)
      assert.equal("a/b", found(Word.text:contains("/", { escape = escape })), escape)
    end
    assert.equal("aXb axb", found(Word.text:icontains("AXB", { escape = "!" })))
  end)

  it("has no letter as its escape where the case does not count", function()
    for _, method in ipairs{ "ilike", "not_ilike", "icontains", "istartswith", "iendswith" } do
      for _, letter in ipairs{ "x", "X" } do
        refuse("ArgumentError", "escape cannot be the letter '" .. letter .. "'", function()
          return Word.text[method](Word.text, "50X%", { escape = letter })
        end)
      end
    end
  end)

  it("has no wildcard as the escape of a text that stands for itself", function()
    for _, method in ipairs{ "contains", "startswith", "endswith", "icontains" } do
      for _, escape in ipairs{ "%", "_" } do
        refuse("ArgumentError", { method, "escape cannot be '" .. escape .. "', which is a wildcard" }, function()
          return Word.text[method](Word.text, "50", { escape = escape })
        end)
      end
      refuse("ArgumentError", { method, "one character, not 'ab'" }, function()
        return Word.text[method](Word.text, Word.text, { escape = "ab" })
      end)
    end
  end)

  it("of an expression cannot be escaped, and says so when asked to", function()
    assert.equal("50% 50x", found(Word.text:startswith(mr.func.substr("50_", 1, 3))))
    refuse("ArgumentError", "startswith: autoescape takes a string", function()
      return Word.text:startswith(Word.text, { autoescape = true })
    end)
    refuse("ArgumentError", "autoescape", function() return Word.text:contains(Word.text, { autoescape = 5 }) end)
    assert.equal("50% 50x", found(Word.text:startswith("50_", { autoescape = false })))
  end)

  it("folds the letters of ASCII alone in SQLite", function()
    assert.equal("aXb axb", found(Word.text:ilike "AXB"))
    assert.equal("aXb axb", found(Word.text:like "AXB"))
    assert.equal("", found(Word.text:ilike "äpfel"))
    assert.equal("Äpfel", found(Word.text:ilike "ÄPFEL"))
  end)
end)
