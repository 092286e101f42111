"""boto3 reads the metrics of the DB instance `measured`: listed, as statistics, and as data in pages."""
import sys
import time
from datetime import datetime, timedelta, timezone

import boto3
from botocore.exceptions import ClientError

options = {
    "endpoint_url": sys.argv[1],
    "region_name": "us-east-1",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}
cloudwatch = boto3.client("cloudwatch", **options)
DIMENSIONS = [{"Name": "DBInstanceIdentifier", "Value": "measured"}]
WANTED = {
    "CPUUtilization",
    "CheckpointLag",
    "DatabaseConnections",
    "FreeStorageSpace",
    "FreeableMemory",
    "MaximumUsedTransactionIDs",
    # The log is archived over a slot.
    "OldestReplicationSlotLag",
    "ReadIOPS",
    "ReadThroughput",
    "ReplicationSlotDiskUsage",
    "SwapUsage",
    "TransactionLogsDiskUsage",
    "TransactionLogsGeneration",
    "WriteIOPS",
    "WriteThroughput",
}


def eventually(what, look):
    until = time.monotonic() + 120
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise SystemExit(f"never came: {what}")


def listed():
    pages = cloudwatch.get_paginator("list_metrics").paginate(
        Namespace="AWS/RDS", Dimensions=DIMENSIONS, RecentlyActive="PT3H"
    )
    return {metric["MetricName"] for page in pages for metric in page["Metrics"]}


eventually(f"all of {sorted(WANTED)}", lambda: WANTED <= listed())
assert listed() == WANTED, listed() ^ WANTED

now = datetime.now(timezone.utc)
hour = {"StartTime": now - timedelta(minutes=30), "EndTime": now + timedelta(minutes=5)}
points = cloudwatch.get_metric_statistics(
    Namespace="AWS/RDS",
    MetricName="FreeStorageSpace",
    Dimensions=DIMENSIONS,
    Period=3600,
    Statistics=["Average", "Minimum", "Maximum", "SampleCount"],
    **hour,
)["Datapoints"]
assert len(points) == 1 and points[0]["Unit"] == "Bytes", points
assert 19 * 2**30 < points[0]["Minimum"] <= points[0]["Average"] <= points[0]["Maximum"] < 20 * 2**30, points

extended = cloudwatch.get_metric_statistics(
    Namespace="AWS/RDS",
    MetricName="DatabaseConnections",
    Dimensions=DIMENSIONS,
    Period=60,
    ExtendedStatistics=["p90", "p99.9"],
    **hour,
)["Datapoints"]
assert set(extended[0]["ExtendedStatistics"]) == {"p90", "p99.9"}, extended


def query(name, stat):
    metric = {"Namespace": "AWS/RDS", "MetricName": name, "Dimensions": DIMENSIONS}
    return {"Id": name.lower(), "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}


queries = [query(name, "Maximum") for name in sorted(WANTED)]
whole = cloudwatch.get_metric_data(MetricDataQueries=queries, ScanBy="TimestampAscending", **hour)
by_id = {result["Id"]: result["Values"] for result in whole["MetricDataResults"]}
assert all(by_id[name.lower()] for name in WANTED), by_id
assert max(by_id["databaseconnections"]) == 2, by_id["databaseconnections"]
pages = cloudwatch.get_paginator("get_metric_data").paginate(
    MetricDataQueries=queries, ScanBy="TimestampAscending", PaginationConfig={"PageSize": 3}, **hour
)
paged = {}
for page in pages:
    for result in page["MetricDataResults"]:
        paged.setdefault(result["Id"], []).extend(result["Values"])
assert {name: len(values) for name, values in paged.items()} == {name: len(values) for name, values in by_id.items()}

for call, code in [
    (lambda: cloudwatch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "M", "Value": 1.0}]), "InternalFailure"),
    (
        lambda: cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "e", "Expression": "SELECT AVG(CPUUtilization) FROM \"AWS/RDS\""}], **hour
        ),
        "ValidationError",
    ),
]:
    try:
        call()
        raise SystemExit(f"{code} did not come")
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
print("measured")
