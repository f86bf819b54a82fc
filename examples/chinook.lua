-- An existing database, mapped as it is: Chinook, a shop of music, its eleven tables with the names of their own.
--   build/moonrow examples/chinook.lua [PATH]       PATH: ../shared/data/chinook.sqlite
-- It works on a copy. Without the file it says so and ends; with it, it also checks each count by plain SQL.

local mr = require "moonrow"

local path = arg and arg[1] or "../shared/data/chinook.sqlite"

-- A copy of the file, so that the original stays as it is.
local function copy(from)
  local source = io.open(from, "rb")
  if not source then return end
  local name = os.tmpname()
  local target <close> = assert(io.open(name, "wb"))
  target:write(source:read "a")
  source:close()
  return name
end

local file = copy(path)
if not file then
  print "chinook.lua needs the database Chinook: give the path of chinook.sqlite as an argument"
  return
end

-- ---------------------------------------------------------------- the models

local db = mr.open("sqlite:///" .. file)
local Column, ForeignKey, relationship = db.Column, db.ForeignKey, db.relationship

local function key(name) return Column{ name, db.Integer, primary_key = true } end
local function reference(name, target, nullable)
  return Column{ name, db.Integer, ForeignKey(target), nullable = nullable or false, index = true }
end
local function text(name, n, nullable) return Column{ name, db.String(n), nullable = nullable or false } end
local OPTIONAL = true

local Artist = db.Model:extend("Artist", {
  __tablename = "Artist",
  id     = key "ArtistId",
  name   = text("Name", 120, OPTIONAL),
  albums = relationship{ "Album", back_populates = "artist", order_by = "Album.id" },
})
function Artist:__tostring() return self.name end

local Album = db.Model:extend("Album", {
  __tablename = "Album",
  id        = key "AlbumId",
  title     = text("Title", 160),
  artist_id = reference("ArtistId", "Artist.ArtistId"),
  artist    = relationship{ "Artist", back_populates = "albums" },
  tracks    = relationship{ "Track", back_populates = "album", order_by = "Track.id" },
})
function Album:__tostring() return self.title end

local Genre = db.Model:extend("Genre", {
  __tablename = "Genre",
  id   = key "GenreId",
  name = text("Name", 120, OPTIONAL),
})
function Genre:__tostring() return self.name end

local MediaType = db.Model:extend("MediaType", {
  __tablename = "MediaType",
  id   = key "MediaTypeId",
  name = text("Name", 120, OPTIONAL),
})
function MediaType:__tostring() return self.name end

local Track = db.Model:extend("Track", {
  __tablename = "Track",
  id            = key "TrackId",
  name          = text("Name", 200),
  album_id      = reference("AlbumId", "Album.AlbumId", OPTIONAL),
  media_type_id = reference("MediaTypeId", "MediaType.MediaTypeId"),
  genre_id      = reference("GenreId", "Genre.GenreId", OPTIONAL),
  composer      = text("Composer", 220, OPTIONAL),
  milliseconds  = Column{ "Milliseconds", db.Integer, nullable = false },
  bytes         = Column{ "Bytes", db.Integer },
  unit_price    = Column{ "UnitPrice", db.Float, nullable = false },
  album         = relationship{ "Album", back_populates = "tracks" },
  media_type    = relationship{ "MediaType", backref = "tracks" },
  genre         = relationship{ "Genre", backref = "tracks" },
  lines         = relationship{ "InvoiceLine", back_populates = "track" },
})
function Track:__tostring() return self.name end

local PlaylistTrack = db.Table("PlaylistTrack",
  Column{ "PlaylistId", db.Integer, ForeignKey "Playlist.PlaylistId", primary_key = true },
  Column{ "TrackId", db.Integer, ForeignKey "Track.TrackId", primary_key = true })

local Playlist = db.Model:extend("Playlist", {
  __tablename = "Playlist",
  id     = key "PlaylistId",
  name   = text("Name", 120, OPTIONAL),
  tracks = relationship{ "Track", secondary = PlaylistTrack, backref = "playlists", order_by = "Track.id" },
})
function Playlist:__tostring() return self.name end

local Employee = db.Model:extend("Employee", {
  __tablename = "Employee",
  id         = key "EmployeeId",
  last_name  = text("LastName", 20),
  first_name = text("FirstName", 20),
  title      = text("Title", 30, OPTIONAL),
  boss_id    = reference("ReportsTo", "Employee.EmployeeId", OPTIONAL),
  hired      = Column{ "HireDate", db.DateTime },
  boss       = relationship{ "Employee", remote_side = "Employee.id",
                             backref = db.backref{ "reports", order_by = "Employee.id" } },
  customers  = relationship{ "Customer", back_populates = "support", order_by = "Customer.id" },
})
function Employee:__tostring() return ("%s %s, %s"):format(self.first_name, self.last_name, self.title) end

local Customer = db.Model:extend("Customer", {
  __tablename = "Customer",
  id         = key "CustomerId",
  first_name = text("FirstName", 40),
  last_name  = text("LastName", 20),
  country    = text("Country", 40, OPTIONAL),
  email      = text("Email", 60),
  support_id = reference("SupportRepId", "Employee.EmployeeId", OPTIONAL),
  support    = relationship{ "Employee", back_populates = "customers" },
  invoices   = relationship{ "Invoice", back_populates = "customer", order_by = "Invoice.id" },
})
function Customer:__tostring() return ("%s %s"):format(self.first_name, self.last_name) end

local Invoice = db.Model:extend("Invoice", {
  __tablename = "Invoice",
  id          = key "InvoiceId",
  customer_id = reference("CustomerId", "Customer.CustomerId"),
  date        = Column{ "InvoiceDate", db.DateTime, nullable = false },
  total       = Column{ "Total", db.Float, nullable = false },
  customer    = relationship{ "Customer", back_populates = "invoices" },
  lines       = relationship{ "InvoiceLine", back_populates = "invoice", order_by = "InvoiceLine.id",
                              cascade = "all, delete-orphan" },
})

local InvoiceLine = db.Model:extend("InvoiceLine", {
  __tablename = "InvoiceLine",
  id         = key "InvoiceLineId",
  invoice_id = reference("InvoiceId", "Invoice.InvoiceId"),
  track_id   = reference("TrackId", "Track.TrackId"),
  unit_price = Column{ "UnitPrice", db.Float, nullable = false },
  quantity   = Column{ "Quantity", db.Integer, nullable = false },
  invoice    = relationship{ "Invoice", back_populates = "lines" },
  track      = relationship{ "Track", back_populates = "lines" },
})

-- ---------------------------------------------------------------- the report

local func = mr.func

local function sql(text_, ...) return db.session:scalar(mr.text(text_:format(...))) end
local function check(what, ours, plain)
  assert(ours == plain, ("%s: %s, but plain SQL says %s"):format(what, ours, plain))
  return ours
end

print "Rows, counted through the classes and by plain SQL:"
for _, class in ipairs{ Album, Artist, Customer, Employee, Genre, Invoice, InvoiceLine, MediaType, Playlist, Track } do
  local name = class.__table.name
  print(("  %-12s %5d"):format(name, check(name, class.query:count(), sql('SELECT count(*) FROM "%s"', name))))
end
local links = 0
for playlist in Playlist.query:options(mr.selectinload "tracks"):iter() do links = links + #playlist.tracks end
print(("  %-12s %5d"):format("PlaylistTrack", check("links", links, sql "SELECT count(*) FROM PlaylistTrack")))

print "The employees:"
local shown = 0
local function tree(employee, indent)
  shown = shown + 1
  print(("  %s%s (%d customers)"):format(indent, employee, #employee.customers))
  for _, report in ipairs(employee.reports) do tree(report, indent .. "  ") end
end
for _, boss in ipairs(Employee.query:filter(Employee.boss:is_(nil)):all()) do tree(boss, "") end
check("employees", shown, Employee.query:count())

print "What of one artist was sold:"
db.session:expunge_all()
local whole = mr.joinedload("albums"):selectinload("tracks"):selectinload("lines")
local records = db:record(function()
  local artist = Artist.query:options(whole):filter_by{ name = "AC/DC" }:one()
  local sold = 0
  for _, album in ipairs(artist.albums) do
    local n = 0
    for _, track in ipairs(album.tracks) do
      for _, line in ipairs(track.lines) do n = n + line.quantity end
    end
    print(("  %-40s %2d tracks, %2d sold"):format(album, #album.tracks, n))
    sold = sold + n
  end
  check("sold", sold, sql([[SELECT sum(Quantity) FROM InvoiceLine JOIN Track USING (TrackId) JOIN Album USING (AlbumId)
    WHERE ArtistId = %d]], artist.id))
end)
print(("  %d statements, one of them the check"):format(#records))

print "The genres that sell best:"
local quantity = func.sum(InvoiceLine.quantity)
local rows = db.session:query(Genre, quantity:label "n"):join(Genre.tracks):join(Track.lines)
  :group_by(Genre.id):order_by(quantity:desc()):limit(3):all()
for _, row in ipairs(rows) do
  check(row.Genre.name, row.n, sql([[SELECT sum(Quantity) FROM InvoiceLine JOIN Track USING (TrackId)
    WHERE GenreId = %d]], row.Genre.id))
  print(("  %-20s %5d"):format(row.Genre, row.n))
end

print "Tracks that nobody bought, and customers who bought jazz:"
print("  " .. check("unsold", Track.query:filter(~Track.lines:any()):count(),
  sql "SELECT count(*) FROM Track WHERE TrackId NOT IN (SELECT TrackId FROM InvoiceLine)"))
local jazz = Customer.query:filter(Customer.invoices:any(Invoice.lines:any(
  InvoiceLine.track:has(Track.genre:has{ name = "Jazz" }))))
print("  " .. check("jazz", jazz:count(), sql [[SELECT count(DISTINCT CustomerId) FROM Invoice JOIN InvoiceLine
  USING (InvoiceId) JOIN Track USING (TrackId) JOIN Genre USING (GenreId) WHERE Genre.Name = 'Jazz']]))

print "A playlist and its tracks (many-to-many, with_parent):"
local grunge = Playlist.query:filter_by{ name = "Grunge" }:one()
local long = Track.query:with_parent(grunge):filter(Track.milliseconds:gt(300000)):order_by(Track.id)
print(("  %s: %d tracks, over five minutes: %s"):format(grunge, #grunge.tracks, long:all()))

print "A change, and its end:"
local before = sql "SELECT count(*) FROM PlaylistTrack"
local playlist = Playlist{ name = "Moonlight" }
playlist.tracks:extend(long:all())
grunge.tracks:clear()
grunge.name = "Was grunge"
db.session:add(playlist)
db.session:flush()
print(("  in the transaction: %+d links, %s"):format(sql "SELECT count(*) FROM PlaylistTrack" - before,
  Playlist.query:filter(Playlist.name:in_{ "Moonlight", "Was grunge" }):order_by(Playlist.id):all()))
db.session:rollback()
check("links after the rollback", sql "SELECT count(*) FROM PlaylistTrack", before)
print(("  rolled back: %s has %d tracks"):format(grunge, #grunge.tracks))

db.session:remove()
os.remove(file)
print "Every count agrees with plain SQL."

-- For a program that loads this one.
return {
  Album = Album, Artist = Artist, Customer = Customer, Employee = Employee, Genre = Genre, Invoice = Invoice,
  InvoiceLine = InvoiceLine, MediaType = MediaType, Playlist = Playlist, PlaylistTrack = PlaylistTrack, Track = Track,
}
