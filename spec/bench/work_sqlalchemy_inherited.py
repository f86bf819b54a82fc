"""The workload of joined tables through SQLAlchemy's ORM.

   python3 work_sqlalchemy_inherited.py WORKLOAD DATABASE
"""
import gc
import sys
import time

from sqlalchemy import Column, ForeignKey, Integer, String, create_engine, text
from sqlalchemy.orm import Session, declarative_base

workload, path = sys.argv[1:3]

Base = declarative_base()


class Person(Base):
    __tablename__ = "person"
    id = Column(Integer, primary_key=True)
    name = Column(String(40), nullable=False)
    kind = Column(String(10), nullable=False)
    __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "person"}


class Worker(Person):
    __tablename__ = "worker"
    id = Column(Integer, ForeignKey("person.id"), primary_key=True)
    task = Column(String(10))
    __mapper_args__ = {"polymorphic_identity": "worker"}


class Chief(Worker):
    __tablename__ = "chief"
    id = Column(Integer, ForeignKey("worker.id"), primary_key=True)
    rank = Column(Integer)
    __mapper_args__ = {"polymorphic_identity": "chief"}


session = Session(create_engine("sqlite:///" + path))


def hierarchy():
    return sum(chief.rank for chief in session.query(Chief).all())


session.execute(text("SELECT 1"))
gc.collect()
start = time.process_time()
result = {"hierarchy": hierarchy}[workload]()
print("%.6f %s" % (time.process_time() - start, result))
