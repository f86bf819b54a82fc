-- The database of the application: engine, session, base class. Models import Base from here.

local mr = require "moonrow"

local engine = mr.create_engine("sqlite:///declarative.db", { convert_unicode = true })
local db_session = mr.scoped_session(mr.sessionmaker{ autocommit = false, autoflush = false, bind = engine })
local Base = mr.declarative_base()
Base.query = db_session:query_property()

local function init_db()
  -- The models must be known before the tables are made.
  require "models"
  Base.metadata:create_all{ bind = engine }
end

return { engine = engine, db_session = db_session, Base = Base, init_db = init_db }
