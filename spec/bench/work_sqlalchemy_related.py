"""The workloads of relationships through SQLAlchemy's ORM.

   python3 work_sqlalchemy_related.py WORKLOAD DATABASE
"""
import gc
import sys
import time

from sqlalchemy import Column, ForeignKey, Integer, String, create_engine, event, func, select, text
from sqlalchemy.orm import Session, declarative_base, joinedload, relationship, selectinload

workload, path = sys.argv[1:3]

Base = declarative_base()


class Parent(Base):
    __tablename__ = "parent"
    id = Column(Integer, primary_key=True)
    name = Column(String(40), nullable=False)
    children = relationship("Child", back_populates="parent")


class Child(Base):
    __tablename__ = "child"
    id = Column(Integer, primary_key=True)
    parent_id = Column(Integer, ForeignKey("parent.id"), index=True)
    name = Column(String(40), nullable=False)
    size = Column(Integer, nullable=False)
    parent = relationship("Parent", back_populates="children")


engine = create_engine("sqlite:///" + path)
event.listen(engine, "connect", lambda connection, record: connection.execute("PRAGMA foreign_keys=ON"))
session = Session(engine)


def count_children(*options):
    return sum(parent.id * len(parent.children) for parent in session.query(Parent).options(*options).all())


def joined():
    return count_children(joinedload(Parent.children))


def selectin():
    return count_children(selectinload(Parent.children))


def lazy():
    return count_children()


def limited():
    place = func.row_number().over(partition_by=Child.parent_id, order_by=Child.id).label("place")
    parents, n = session.query(Parent).all(), 0
    for i in range(0, len(parents), 500):
        keys = [parent.id for parent in parents[i:i + 500]]
        first = session.query(Child.id, place).filter(Child.parent_id.in_(keys)).subquery()
        rows = session.query(Child).join(first, Child.id == first.c.id).filter(first.c.place <= 3)
        n += sum(child.parent_id for child in rows)
    return n


def count_of():
    n = select(func.count()).where(Child.parent_id == Parent.id).scalar_subquery()
    return sum(parent.id * number for parent, number in session.query(Parent, n))


def count():
    parents, n = session.query(Parent).all(), 0
    for i in range(0, len(parents), 500):
        keys = [parent.id for parent in parents[i:i + 500]]
        rows = session.query(Parent.id, func.count()).join(Parent.children).filter(Parent.id.in_(keys))
        n += sum(key * number for key, number in rows.group_by(Parent.id))
    return n


def delete_children():
    for child in loaded:
        session.delete(child)
    session.commit()
    return len(loaded)


work = {"joined": joined, "selectin": selectin, "lazy": lazy, "batch": lazy, "limited": limited,
        "count-of": count_of, "count": count, "delete-children": delete_children}
loaded = session.query(Child).all() if workload == "delete-children" else []
session.execute(text("SELECT 1"))
gc.collect()
start = time.process_time()
result = work[workload]()
print("%.6f %s" % (time.process_time() - start, result))
