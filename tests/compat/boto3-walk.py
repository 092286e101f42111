"""The main job through boto3, unmodified: the endpoint, and where to write the certificate authority, are arguments."""

import subprocess
import sys
import urllib.request

import boto3

endpoint, ca_file = sys.argv[1:]
PASSWORD = "choose-your-own"
client = boto3.client(
    "rds",
    endpoint_url=endpoint,
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
)
urllib.request.urlretrieve(endpoint + "/_holdfast/ca.pem", ca_file)


def wait(waiter, **which):
    client.get_waiter(waiter).wait(WaiterConfig={"Delay": 1, "MaxAttempts": 60}, **which)


def instance(name):
    return client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def sql(name, statement, password=PASSWORD):
    place = instance(name)["Endpoint"]
    target = (
        f"host={place['Address']} port={place['Port']} user=app dbname=shop "
        f"sslmode=verify-full sslrootcert={ca_file}"
    )
    env = {"PATH": "/usr/bin:/bin", "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "10"}
    run = subprocess.run(
        ["psql", "-X", "-A", "-t", "-q", target, "-c", statement], env=env, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def equal(actual, expected):
    assert actual == expected, f"{actual!r} is not {expected!r}"


def refused(code, call, **members):
    try:
        call(**members)
    except client.exceptions.ClientError as error:
        equal(error.response["Error"]["Code"], code)
        return
    raise AssertionError(f"{code} was expected")


# Create, wait, query.
tags = [{"Key": "team", "Value": "orders"}]
group = {"DBParameterGroupName": "tuned", "DBParameterGroupFamily": "postgres18", "Description": "for the walk"}
client.create_db_parameter_group(**group)
created = client.create_db_instance(
    DBInstanceIdentifier="boto",
    Engine="postgres",
    DBInstanceClass="db.t4g.micro",
    AllocatedStorage=20,
    DBName="shop",
    MasterUsername="app",
    MasterUserPassword=PASSWORD,
    DBParameterGroupName="tuned",
    Tags=tags,
)["DBInstance"]
equal(created["DBInstanceStatus"], "creating")
wait("db_instance_available", DBInstanceIdentifier="boto")
sql("boto", "create table kept as select 42 as answer")
equal(sql("boto", "select ssl from pg_stat_ssl where pid = pg_backend_pid()"), "t")
refused("DBInstanceAlreadyExists", client.create_db_instance, DBInstanceIdentifier="boto", Engine="postgres",
        DBInstanceClass="db.t4g.micro", AllocatedStorage=20, MasterUsername="app", MasterUserPassword=PASSWORD)
refused("DBInstanceNotFound", client.describe_db_instances, DBInstanceIdentifier="nobody")

# Describe by filters, and by pages.
resource = created["DbiResourceId"]
for name, value in (("db-instance-id", "boto"), ("dbi-resource-id", resource), ("engine", "postgres")):
    found = client.describe_db_instances(Filters=[{"Name": name, "Values": [value]}])["DBInstances"]
    equal([one["DBInstanceIdentifier"] for one in found], ["boto"])
pages = client.get_paginator("describe_db_parameters").paginate(
    DBParameterGroupName="tuned", PaginationConfig={"PageSize": 20}
)
sizes = [len(page["Parameters"]) for page in pages]
assert len(sizes) > 5 and set(sizes[:-1]) == {20}, sizes
versions = client.get_paginator("describe_db_engine_versions").paginate(Engine="postgres")
assert "18.4" in [one["EngineVersion"] for page in versions for one in page["DBEngineVersions"]]

# Parameters: one that is in force at once.
change = {"ParameterName": "work_mem", "ParameterValue": "8192", "ApplyMethod": "immediate"}
client.modify_db_parameter_group(DBParameterGroupName="tuned", Parameters=[change])
own = client.describe_db_parameters(DBParameterGroupName="tuned", Source="user")["Parameters"]
equal([(one["ParameterName"], one["ParameterValue"]) for one in own], [("work_mem", "8192")])

# Modify.
client.modify_db_instance(DBInstanceIdentifier="boto", DBInstanceClass="db.t4g.small", ApplyImmediately=True,
                          MasterUserPassword="another-secret-9")
wait("db_instance_available", DBInstanceIdentifier="boto")
equal(instance("boto")["DBInstanceClass"], "db.t4g.small")
equal(sql("boto", "show work_mem", "another-secret-9"), "8MB")

# Tags.
arn = created["DBInstanceArn"]
client.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "env", "Value": "test"}])
client.remove_tags_from_resource(ResourceName=arn, TagKeys=["team"])
equal(client.list_tags_for_resource(ResourceName=arn)["TagList"], [{"Key": "env", "Value": "test"}])
equal(instance("boto")["TagList"], [{"Key": "env", "Value": "test"}])

# Snapshot and restore.
client.create_db_snapshot(DBInstanceIdentifier="boto", DBSnapshotIdentifier="boto-1")
wait("db_snapshot_available", DBSnapshotIdentifier="boto-1")
client.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="boto-2", DBSnapshotIdentifier="boto-1")
wait("db_instance_available", DBInstanceIdentifier="boto-2")
equal(sql("boto-2", "select answer from kept", "another-secret-9"), "42")
snapshots = client.get_paginator("describe_db_snapshots").paginate(DBInstanceIdentifier="boto")
equal([one["DBSnapshotIdentifier"] for page in snapshots for one in page["DBSnapshots"]], ["boto-1"])

# Events and logs.
events = client.describe_events(SourceType="db-instance", SourceIdentifier="boto-2", Duration=60)["Events"]
assert events and all(one["EventCategories"] for one in events), events
assert any("Restored" in one["Message"] for one in events), events
files = client.describe_db_log_files(DBInstanceIdentifier="boto-2")["DescribeDBLogFiles"]
text = "".join(
    page.get("LogFileData", "")
    # One begins with each hour: the newest may have nothing yet.
    for file in files
    for page in client.get_paginator("download_db_log_file_portion").paginate(
        DBInstanceIdentifier="boto-2", LogFileName=file["LogFileName"]
    )
)
assert "database system is ready to accept connections" in text, text

# Delete.
refused("InvalidParameterCombination", client.delete_db_instance, DBInstanceIdentifier="boto")
client.delete_db_instance(DBInstanceIdentifier="boto", FinalDBSnapshotIdentifier="boto-last")
client.delete_db_instance(DBInstanceIdentifier="boto-2", SkipFinalSnapshot=True)
for name in ("boto", "boto-2"):
    wait("db_instance_deleted", DBInstanceIdentifier=name)
equal(client.describe_db_instances()["DBInstances"], [])
for name in ("boto-1", "boto-last"):
    client.delete_db_snapshot(DBSnapshotIdentifier=name)
    wait("db_snapshot_deleted", DBSnapshotIdentifier=name)
client.delete_db_parameter_group(DBParameterGroupName="tuned")
print("walked")
