"""What people write instead: FastAPI + SQLite and Flask + PostgreSQL, measured in the same run as the door.

    python -m bench.peers [--seconds 4] [--rounds 3]

Each is a small application (`fastapi_sqlite.py`, `flask_postgresql.py`) that answers the pixel and the JSON POST
after one durable INSERT per request. Same wrk, same cores, same requests as `bench.door`; the CPU time is that of
all processes, the database included. Their packages go into `.cache/bench-venv`, which the first run makes.
"""
