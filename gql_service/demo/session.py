"""One demo: the users, the images, and the story played over HTTP against the running service."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from gql_service.api.ids import DatasetId, ProjectId
from gql_service.app import Service
from gql_service.catalog.dataset import require_dataset
from gql_service.catalog.member import add_member
from gql_service.catalog.project import Permission, Role
from gql_service.catalog.user import create_token, create_user, first_admin, user_by_email
from gql_service.database.engine import Tx
from gql_service.demo.client import Client
from gql_service.demo.digits import write_digits
from gql_service.demo.story import STEPS, play
from gql_service.errors import NotFound
from gql_service.transfer.folder import class_names, find_files, import_files
from gql_service.transfer.target import prepare_target

PROJECT = "Handwritten digits"
DATASET = "digits"
TEAM = ("Team A", "team-a@example.org")


class Advance(Protocol):
    """Moves a progress bar; `of` says how long it is."""

    def __call__(self, steps: int = 1, *, of: int | None = None) -> None: ...


def play_demo(service: Service, url: str, advance: Advance) -> list[str]:
    """Imports the digits and plays the story, and tells it line by line.

    A second run on the same data finds the project and plays nothing.
    """
    database = service.database
    with database.read() as tx:
        admin = first_admin(tx)
        played = user_by_email(tx, TEAM[1]) is not None
    if admin is None:
        raise NotFound("There is no user yet")
    if played:
        return ["The story has been played on this data before; it is all still there"]
    dataset = _import(service, admin.id, advance)

    def invite(tx: Tx) -> tuple[str, str, int]:
        team = create_user(tx, *TEAM)
        project = require_dataset(tx, dataset, Permission.READ).project
        add_member(tx, project, team, Role.DEVELOPER)
        end = tx.now + timedelta(days=1)
        owner, other = (create_token(tx, user, "demo", end) for user in (admin.id, team))
        return owner, other, project

    owner, team, project = database.write(invite, actor=admin.id)
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        advance()

    play(
        Client(url, owner), Client(url, team), str(ProjectId(project)), str(DatasetId(dataset)), say
    )
    return lines


def _import(service: Service, actor: int, advance: Advance) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_digits(folder)
        files = find_files(folder)
        advance(0, of=len(files) + STEPS)
        dataset = service.database.write(
            lambda tx: prepare_target(tx, PROJECT, DATASET, class_names(files)), actor=actor
        )
        import_files(
            service.database,
            service.vault,
            dataset,
            files,
            actor=actor,
            lease=timedelta(hours=service.settings.upload_lease_hours),
            message="handwritten digits of scikit-learn",
            progress=lambda _size: advance(),
        )
    return dataset
