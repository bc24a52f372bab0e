"""Everything an operator can set, read once from the environment into one frozen value."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

MIB = 1024 * 1024


def _or_aws(name: str, *standard: str) -> AliasChoices:
    """Our own variable, or else the one that every tool for S3 reads."""
    return AliasChoices(f"GQL_SERVICE_{name}", *standard)


class Settings(BaseSettings):
    """Each field is read from `GQL_SERVICE_<NAME>`; the defaults run the embedded service."""

    model_config = SettingsConfigDict(
        env_prefix="GQL_SERVICE_",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    data_dir: Path = Field(
        default=Path("data"),
        description="Folder of the embedded service: database, stored files, the admin's token.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="postgresql://user@host/name; left out, an SQLite file in the data folder. It "
        "may have a password in it, and is never shown.",
    )
    storage_url: str | None = Field(
        default=None,
        pattern="^s3://[^/]+(/.*)?$",
        description="s3://bucket/prefix in an S3-compatible store; left out, the data folder.",
    )
    storage_endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        validation_alias=_or_aws("STORAGE_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        description="Address of the store; left out, that of Amazon S3 in the region.",
    )
    storage_region: str = Field(
        default="us-east-1",
        validation_alias=_or_aws("STORAGE_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"),
        description="Region of the bucket.",
    )
    storage_access_key: str | None = Field(
        default=None,
        validation_alias=_or_aws("STORAGE_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        description="Name of the key that opens the bucket.",
    )
    storage_secret_key: SecretStr | None = Field(
        default=None,
        validation_alias=_or_aws("STORAGE_SECRET_KEY", "AWS_SECRET_ACCESS_KEY"),
        description="The key's secret.",
    )
    storage_session_token: SecretStr | None = Field(
        default=None,
        validation_alias=_or_aws("STORAGE_SESSION_TOKEN", "AWS_SESSION_TOKEN"),
        description="Token of a temporary key.",
    )
    direct_downloads: bool = Field(
        default=False,
        description="Send downloads to the store, where it can sign addresses, for 5 minutes "
        "each; the bytes are then not compared with their digest on the way.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on.")
    public_url: str | None = Field(
        default=None,
        description="Address that clients see, for links; left out, http://<host>:<port>.",
    )
    max_upload_bytes: int = Field(
        default=100 * MIB, ge=1, description="Largest file in a multipart upload, in bytes."
    )
    max_files_per_upload: int = Field(
        default=20, ge=1, description="Most files in one multipart upload."
    )
    max_file_bytes: int = Field(
        default=50 * 1024 * MIB,
        ge=1,
        description="Largest file that is uploaded by itself, whole or resumably, in bytes.",
    )
    max_open_uploads_per_token: int = Field(
        default=100, ge=1, description="Most unfinished resumable uploads of one token."
    )
    max_json_bytes: int = Field(
        default=16 * MIB, ge=1024, description="Largest JSON body of an authenticated request."
    )
    max_anonymous_json_bytes: int = Field(
        default=MIB, ge=1024, description="Largest JSON body of a request without a token."
    )
    max_document_bytes: int = Field(
        default=16 * 1024, ge=1024, description="Longest GraphQL document, in bytes of UTF-8."
    )
    max_document_tokens: int = Field(
        default=2_000, ge=100, description="Most tokens in a GraphQL document."
    )
    max_depth: int = Field(
        default=12, ge=1, description="Deepest nesting of fields, beside introspection."
    )
    max_aliases: int = Field(
        default=30, ge=0, description="Most aliases in a document, fragments expanded."
    )
    max_root_fields: int = Field(
        default=20, ge=1, description="Most fields at the root of a document's operations."
    )
    max_fields: int = Field(
        default=1_000,
        ge=1,
        le=10_000,
        description="Most fields in a document, fragments expanded.",
    )
    max_directives: int = Field(
        default=50, ge=0, description="Most directives in a document, fragments expanded."
    )
    max_introspected: int = Field(
        default=20_000,
        ge=0,
        description="Most values that introspection answers with in one request.",
    )
    max_query_values: int = Field(
        default=10_000,
        ge=1,
        description="Most values in the variables of a query or subscription, those in lists and "
        "objects included.",
    )
    max_page_size: int = Field(
        default=500, ge=1, le=10_000, description="Most rows of one page of a list."
    )
    max_filter_depth: int = Field(
        default=8, ge=1, le=32, description="Deepest nesting of a filter."
    )
    max_filter_conditions: int = Field(
        default=100, ge=1, le=10_000, description="Most conditions in a filter."
    )
    max_filter_values: int = Field(
        default=1_000, ge=1, description="Most values in a list of a filter."
    )
    max_pattern_characters: int = Field(
        default=256, ge=1, description="Longest pattern in a filter."
    )
    max_metadata_indexes: int = Field(
        default=8, ge=0, description="Most metadata indexes of a dataset."
    )
    max_subscriptions_per_connection: int = Field(
        default=20, ge=1, description="Most operations that run on one WebSocket at a time."
    )
    max_connections_per_token: int = Field(
        default=50,
        ge=1,
        description="Most WebSockets and event streams of one token, in each process.",
    )
    max_message_bytes: int = Field(
        default=64 * 1024, ge=1024, description="Largest message on a WebSocket, in bytes."
    )
    connection_init_seconds: float = Field(
        default=10,
        gt=0,
        description="How long a WebSocket may take to say who asks, in seconds.",
    )
    watch_poll_seconds: float = Field(
        default=1,
        gt=0,
        description="How long a change by another process stays unnoticed on SQLite, in seconds.",
    )
    watch_look_seconds: float = Field(
        default=5,
        gt=0,
        description="How long a revoked token or a lost right can still be used by what is "
        "connected, in seconds.",
    )
    max_watch_lag: int = Field(
        default=100,
        ge=1,
        description="How many versions behind a subscription may be and still be told each of "
        "them; beyond, one event sums up all of them.",
    )
    request_seconds: float = Field(
        default=30,
        gt=0,
        description="How long a request may take once it has been read, in seconds.",
    )
    trusted_documents: Path | None = Field(
        default=None,
        description="JSON file of the GraphQL documents that clients may run, by name; left out, "
        "they may run any.",
    )
    grant_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="What addresses of files are signed with, at least 32 characters; left out, a "
        "random one that is kept in the data folder. Machines that answer together share it.",
    )
    token_days: int = Field(
        default=90,
        ge=1,
        le=36_500,
        description="After how many days a token ends for which nobody said when.",
    )
    sweep_grace_hours: float = Field(
        default=24, ge=0, description="How long bytes that nothing holds stay claimable, in hours."
    )
    sweep_delete_delay_hours: float = Field(
        default=7 * 24,
        ge=0,
        description="How long dead objects stay on disk, in hours; at least the age of a backup.",
    )
    upload_lease_hours: float = Field(
        default=24, gt=0, description="How long an unfinished upload keeps its claim, in hours."
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="Processes that serve; more than one on PostgreSQL."
    )
    drain_seconds: float = Field(
        default=0,
        ge=0,
        description="How long a server that is told to end still takes requests while /readyz says "
        "503, so that load balancers look elsewhere first, in seconds.",
    )
    shutdown_seconds: float = Field(
        default=30,
        ge=0,
        description="How long open requests may still take when the server ends, in seconds.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Which lines are logged; each request is one of `info`."
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Bearer token that /metrics asks for; left out, it answers this machine alone.",
    )
    dataset_retention_days: float = Field(
        default=30, ge=0, description="How long a deleted dataset can be restored, in days."
    )
    flatten_layers: int = Field(
        default=8,
        ge=1,
        le=100,
        description="Layers that a dataset may lie on before what it shows is copied onto a line "
        "of its own.",
    )
    flatten_hidden: float = Field(
        default=1,
        gt=0,
        description="States that a dataset may cover for each one that it shows, before what it "
        "shows is copied onto a line of its own.",
    )

    @field_validator("database_url")
    @classmethod
    def _is_an_address(cls, given: SecretStr | None) -> SecretStr | None:
        """Refuses here what would be refused later in words that repeat a part of the password."""
        if given is not None:
            try:
                host = make_url(given.get_secret_value()).host
            except (ArgumentError, ValueError):
                host = "@"
            if host and "@" in host:
                raise ValueError(
                    "This is no address of a database. In a password, special characters are "
                    "escaped, such as %40 for @"
                )
        return given

    @property
    def resolved_database_url(self) -> str:
        """The SQLAlchemy address of the database, with the driver this service uses."""
        if self.database_url is None:
            return f"sqlite:///{self.data_dir / 'gql-service.sqlite3'}"
        given = self.database_url.get_secret_value()
        for prefix in ("postgresql://", "postgres://"):
            if given.startswith(prefix):
                return "postgresql+psycopg://" + given.removeprefix(prefix)
        return given

    @property
    def resolved_storage_endpoint(self) -> str:
        default = f"https://s3.{self.storage_region}.amazonaws.com"
        return (self.storage_endpoint or default).rstrip("/")

    @property
    def embedded(self) -> bool:
        """Whether the database is ours alone, so that `serve` may migrate it by itself."""
        return self.resolved_database_url.startswith("sqlite")

    @property
    def resolved_public_url(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"
