"""Faust's transport with the repaired consumer and producer, which both ends of an application are given."""

from __future__ import annotations

from faust import App
from faust.transport.drivers import aiokafka as driver

from streams.followup.faust.consumer import RepairedConsumer
from streams.followup.faust.producer import RepairedProducer


class RepairedTransport(driver.Transport):
    """Reads and writes as `consumer` and `producer` say."""

    Consumer = RepairedConsumer
    Producer = RepairedProducer


def repair(app: App) -> App:
    """Have the application use it. Before it is started."""
    app.transport = RepairedTransport(app.conf.broker_consumer, app)
    app.producer_transport = RepairedTransport(app.conf.broker_producer, app)
    return app
