-- Memory of loops that load in batches: with yield_per they use a constant amount, however long they are.

local mr = require "moonrow"

-- Under stress it would take minutes.
local long = (os.getenv "MOONROW_STRESS" or "") ~= "" and pending or it

local function collect()
  for _ = 1, 4 do
    collectgarbage()
    mr.memory{ trace = true }
  end
end

local function bytes() return mr.memory().bytes + collectgarbage "count" * 1024 end

describe('a loop with lazy = "batch" and yield_per', function()
  long("is flat, and leaves nothing", function()
    local db = mr.open("sqlite://", { session_options = { lazy = "batch" } })
    local Author = db.Model:extend("Author", {
      id    = db.Column{ db.Integer, primary_key = true },
      bio   = db.Column{ db.Text },
      books = db.relationship{ "Book", back_populates = "author" },
    })
    local Book = db.Model:extend("Book", {
      id        = db.Column{ db.Integer, primary_key = true },
      author_id = db.Column{ db.Integer, db.ForeignKey "author.id", index = true },
      author    = db.relationship{ "Author", back_populates = "books" },
    })
    db:create_all()
    local N = 20000
    local authors, books = {}, {}
    for i = 1, N do
      authors[i] = { id = i, bio = ("b"):rep(100) }
      books[2 * i - 1], books[2 * i] = { author_id = i }, { author_id = i }
    end
    db.session:execute(mr.insert(Author), authors)
    db.session:execute(mr.insert(Book), books)
    db.session:commit()
    db.session:remove()
    authors, books = nil, nil -- luacheck: ignore

    -- The bytes at the peak of the loop over so many authors, over those before it.
    local function peak_of(n)
      collect()
      local before, peak, seen = bytes(), 0, 0
      local query = Author.query:options(mr.defer(Author.bio)):filter(Author.id:le(n)):order_by(Author.id)
      for author in query:yield_per(200):iter() do
        seen = seen + #author.books
        assert(#author.bio == 100)
        if author.id % 500 == 0 then peak = math.max(peak, bytes() - before) end
      end
      assert.equal(2 * n, seen)
      collect()
      assert.equal(0, #db.session.identity_map)
      return peak, bytes() - before
    end

    peak_of(1000)
    local short = peak_of(N // 8)
    local all, left = peak_of(N)
    print(('# lazy = "batch" with yield_per(200): %d bytes at the peak of %d authors, %d of %d; %d stay')
      :format(short, N // 8, all, N, left))
    assert.is_true(left < 300e3, ("%d bytes stay"):format(left))
    assert.is_true(all < 2 * short + 4e6, ("%d bytes at the peak, %d of a loop of an eighth"):format(all, short))
  end)
end)
