"""The workloads of one table through SQLAlchemy's ORM.

   python3 work_sqlalchemy.py WORKLOAD DATABASE

Prints the CPU seconds of the workload alone, and its result. Some workloads print bytes or nanoseconds instead of
seconds.
"""
import gc
import sys
import time
import tracemalloc

from sqlalchemy import Column, Float, Integer, String, create_engine, event, text
from sqlalchemy.orm import Session, declarative_base

workload, path = sys.argv[1:3]
ROWS, IMPORTS, GETS, CHANGES, TOUCHES = 100000, 300000, 20000, 100, 1000000

Base = declarative_base()


class Item(Base):
    __tablename__ = "item"
    id = Column(Integer, primary_key=True)
    name = Column(String(40), nullable=False)
    kind = Column(String(20), nullable=False)
    price = Column(Float, nullable=False)
    stock = Column(Integer, nullable=False)


class Product(Base):
    __tablename__ = "product"
    id = Column(Integer, primary_key=True)
    code = Column(String(40), nullable=False, unique=True)
    kind = Column(String(20), nullable=False)
    price = Column(Float, nullable=False)
    stock = Column(Integer, nullable=False)


engine = create_engine("sqlite:///" + path)
event.listen(engine, "connect", lambda connection, record: connection.execute("PRAGMA foreign_keys=ON"))
session = Session(engine)
loaded = []


def load():
    return sum(item.stock for item in session.query(Item).all())


def load_all():
    total = 0
    for item in session.query(Item).all():
        total += item.id + item.stock + len(item.name) + len(item.kind) + int(item.price * 2)
    return total


def columns():
    return sum(row.stock for row in session.query(Item.id, Item.name, Item.kind, Item.price, Item.stock).all())


def add_rows():
    for i in range(1, ROWS + 1):
        session.add(Item(name="item %d" % i, kind="tool", price=i * 0.5, stock=i % 100))


def insert():
    add_rows()
    return flush()


def flush():
    session.commit()
    return ROWS


def import_rows():
    session.bulk_insert_mappings(Item, loaded)
    session.commit()
    return len(loaded)


def get():
    return sum(session.get(Item, i * 5).stock for i in range(1, GETS + 1))


def first():
    return sum(session.query(Product).filter_by(code="code %d" % (i * 5)).first().stock for i in range(1, GETS + 1))


def change():
    for i in range(1, CHANGES + 1):
        loaded[i * 7 - 1].stock = -i
    session.commit()
    return CHANGES


def change_each():
    items = session.query(Item).all()
    for item in items:
        item.stock = item.stock + 1
    session.commit()
    return len(items)


def print_bytes(touch):
    tracemalloc.start()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    items = session.query(Item).all()
    if touch:
        for item in items:
            assert item.stock is not None
    gc.collect()
    print("%.1f %d" % ((tracemalloc.get_traced_memory()[0] - before) / len(items), len(items)))


def read_loop(item):
    for _ in range(TOUCHES):
        stock = item.stock
    return stock


def write_loop(item):
    for i in range(1, TOUCHES + 1):
        item.stock = i
    return item.stock


def print_nanoseconds(loop):
    item = session.query(Item).order_by(Item.id).first()
    start = time.process_time()
    for _ in range(TOUCHES):
        pass
    empty = time.process_time() - start
    start = time.process_time()
    result = loop(item)
    print("%.2f %d" % ((time.process_time() - start - empty) / TOUCHES * 1e9, result))


def print_seconds():
    start = time.process_time()
    result = work[workload]()
    print("%.6f %d" % (time.process_time() - start, result))


work = {
    "load": load,
    "load-all": load_all,
    "columns": columns,
    "insert": insert,
    "flush": flush,
    "import": import_rows,
    "get": get,
    "get-in-transaction": get,
    "first": first,
    "where-text": first,
    "change": change,
    "change-of-1k": change,
    "change-each": change_each,
}
if workload == "change":
    loaded = session.query(Item).order_by(Item.id).all()
elif workload == "change-of-1k":
    loaded = session.query(Item).order_by(Item.id).limit(1000).all()
elif workload == "flush":
    add_rows()
elif workload == "import":
    loaded = [dict(name="item %d" % i, kind="tool", price=i * 0.5, stock=i % 100) for i in range(1, IMPORTS + 1)]
session.execute(text("SELECT 1"))
gc.collect()
if workload == "bytes":
    print_bytes(False)
elif workload == "bytes-touched":
    print_bytes(True)
elif workload == "attribute-read":
    print_nanoseconds(read_loop)
elif workload == "attribute-write":
    print_nanoseconds(write_loop)
else:
    print_seconds()
