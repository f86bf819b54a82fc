"""The workloads through SQLAlchemy's ORM.   python3 work_sqlalchemy.py WORKLOAD DATABASE"""
import gc
import sys
import time

from sqlalchemy import Column, Float, Integer, String, create_engine, text
from sqlalchemy.orm import Session, declarative_base

workload, path = sys.argv[1:3]
ROWS, GETS, CHANGES = 100000, 20000, 100

Base = declarative_base()


class Item(Base):
    __tablename__ = "item"
    id = Column(Integer, primary_key=True)
    name = Column(String(40), nullable=False)
    kind = Column(String(20), nullable=False)
    price = Column(Float, nullable=False)
    stock = Column(Integer, nullable=False)


engine = create_engine("sqlite:///" + path)
session = Session(engine)
loaded = []


def load():
    return sum(item.stock for item in session.query(Item).all())


def insert():
    for i in range(1, ROWS + 1):
        session.add(Item(name="item %d" % i, kind="tool", price=i * 0.5, stock=i % 100))
    session.commit()
    return ROWS


def get():
    return sum(session.get(Item, i * 5).stock for i in range(1, GETS + 1))


def change():
    for i in range(1, CHANGES + 1):
        loaded[i * 7 - 1].stock = -i
    session.commit()
    return CHANGES


work = {"load": load, "insert": insert, "get": get, "get-in-transaction": get, "change": change, "change-of-1k": change}
if workload == "change":
    loaded = session.query(Item).order_by(Item.id).all()
elif workload == "change-of-1k":
    loaded = session.query(Item).order_by(Item.id).limit(1000).all()
session.execute(text("SELECT 1"))
gc.collect()
start = time.process_time()
result = work[workload]()
print("%.6f %s" % (time.process_time() - start, result))
