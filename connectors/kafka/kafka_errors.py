"""librdkafka's errors, translated to the caller's next move. For calls outside transactions."""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException

from connectors.errors import (
    ChangeSettings,
    ConnectorFailure,
    ExitForSupervisor,
    NotPermitted,
    RefuseRecord,
    RetryLater,
)

_NOT_PERMITTED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
_CHANGE_SETTINGS = {
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
    KafkaError._AUTHENTICATION,
    KafkaError._SSL,
    KafkaError._INVALID_ARG,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError.INVALID_REPLICATION_FACTOR,
    KafkaError.INVALID_CONFIG,
    KafkaError.POLICY_VIOLATION,
}
_REFUSE = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD}


def translated(cause: KafkaError | KafkaException, doing: str) -> ConnectorFailure:
    """The failure to raise when `doing` met `cause`. `doing` reads "cannot …" and names no record's content."""
    error: KafkaError = cause.args[0] if isinstance(cause, KafkaException) else cause
    message = f"{doing}: {error.str()} ({error.name()})"
    code = error.code()
    if code in _NOT_PERMITTED:
        return NotPermitted(message)
    if code in _REFUSE:
        return RefuseRecord(message)
    if error.fatal():
        return ExitForSupervisor(message)
    if code in _CHANGE_SETTINGS:
        return ChangeSettings(message)
    return RetryLater(message)
