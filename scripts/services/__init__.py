"""Real programs and servers that tests and benches use: one file each, found through `CATALOGUE`.

    python3 -m scripts.services            what is here and what is missing
    python3 -m scripts.services install    installs what is missing (Debian, root or sudo)

Everything listens on 127.0.0.1, keeps its data in a temporary folder, and is ended by its process id.
Only the standard library is imported, so this runs before there is a virtual environment.
"""

from scripts.services.base import MissingError, Program, Running, Server, free_port
from scripts.services.beanstalkd import Beanstalkd
from scripts.services.gcc import Gcc
from scripts.services.kafka import Kafka
from scripts.services.nginx import Nginx
from scripts.services.postgresql import PostgreSQL
from scripts.services.rabbitmq import RabbitMQ
from scripts.services.redis import Redis

CATALOGUE: dict[str, Program] = {
    program.name: program
    for program in (
        Program("ab", package="apache2-utils"),
        Program("wrk", package="wrk"),
        Program("strace", package="strace"),
        Program("chromium", package="chromium"),
        Gcc(),
        Nginx(),
        PostgreSQL(),
        Redis(),
        Kafka(),
        RabbitMQ(),
        Beanstalkd(),
    )
}

__all__ = [
    "CATALOGUE",
    "Beanstalkd",
    "Kafka",
    "MissingError",
    "Nginx",
    "PostgreSQL",
    "Program",
    "RabbitMQ",
    "Redis",
    "Running",
    "Server",
    "free_port",
]
