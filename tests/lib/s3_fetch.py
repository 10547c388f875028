#!/usr/bin/env python3
"""s3_fetch.py BUCKET FOLDER: writes every object of a bucket below FOLDER, under its key, and prints the keys.
s3_fetch.py BUCKET -: only prints them.
s3_fetch.py BUCKET --put KEY FILE, s3_fetch.py BUCKET --delete KEY: what no client of walferry's would do.
s3_fetch.py BUCKET --keep-versions: of every object from now on; --versions PREFIX: prints them, delete markers too.
s3_fetch.py BUCKET --lock DAYS: a new bucket, in which no version can be removed for so long, with any keys.

Independent of walferry on purpose: Python's standard library and nothing else. S3_ENDPOINT, S3_ACCESS_KEY,
S3_SECRET_KEY and S3_REGION say where and as whom.
"""
import base64
import datetime
import hashlib
import hmac
import os
import pathlib
import ssl
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree

ENDPOINT = os.environ["S3_ENDPOINT"]
REGION = os.environ["S3_REGION"]


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def get(path, query=(), method="GET", body=b"", extra=()):
    path = urllib.parse.quote(path)
    query = "&".join(f"{k}={urllib.parse.quote(v, safe='')}" for k, v in sorted(query))
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": urllib.parse.urlsplit(ENDPOINT).netloc, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
               "x-amz-date": now}
    headers = dict(sorted([*headers.items(), *extra]))
    names = ";".join(headers)
    lines = "".join(f"{k}:{v}\n" for k, v in headers.items())
    request = hashlib.sha256(f"{method}\n{path}\n{query}\n{lines}\n{names}\n{headers['x-amz-content-sha256']}".encode()).hexdigest()
    scope = f"{now[:8]}/{REGION}/s3/aws4_request"
    key = b"AWS4" + os.environ["S3_SECRET_KEY"].encode()
    for part in scope.split("/"):
        key = sign(key, part)
    signature = sign(key, f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{request}").hex()
    headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={os.environ['S3_ACCESS_KEY']}/{scope}, "
                                f"SignedHeaders={names}, Signature={signature}")
    url = f"{ENDPOINT}{path}" + (f"?{query}" if query else "")
    context = ssl._create_unverified_context() if url.startswith("https:") else None
    request = urllib.request.Request(url, data=body if method == "PUT" else None, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=30, context=context) as answer:
        return answer.read()


def keys(bucket):
    token = None
    while True:
        query = [("list-type", "2")] + ([("continuation-token", token)] if token else [])
        page = xml.etree.ElementTree.fromstring(get(f"/{bucket}", query))
        space = page.tag[:page.tag.index("}") + 1]
        for entry in page.iter(f"{space}Key"):
            yield entry.text
        token = page.findtext(f"{space}NextContinuationToken")
        if not token:
            return


def main():
    bucket, folder = sys.argv[1:3]
    if folder == "--put":
        get(f"/{bucket}/{sys.argv[3]}", method="PUT", body=pathlib.Path(sys.argv[4]).read_bytes())
        return
    if folder == "--delete":
        get(f"/{bucket}/{sys.argv[3]}", method="DELETE")
        return
    if folder == "--keep-versions":
        get(f"/{bucket}", [("versioning", "")], "PUT",
            b"<VersioningConfiguration xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Status>Enabled</Status>"
            b"</VersioningConfiguration>")
        return
    if folder == "--lock":
        get(f"/{bucket}", method="PUT", extra=[("x-amz-bucket-object-lock-enabled", "true")])
        rule = (f"<ObjectLockConfiguration xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><ObjectLockEnabled>Enabled"
                f"</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>{sys.argv[3]}</Days>"
                f"</DefaultRetention></Rule></ObjectLockConfiguration>").encode()
        md5 = base64.b64encode(hashlib.md5(rule).digest()).decode()
        get(f"/{bucket}", [("object-lock", "")], "PUT", rule, [("content-md5", md5)])
        return
    if folder == "--versions":
        page = xml.etree.ElementTree.fromstring(get(f"/{bucket}", [("versions", ""), ("prefix", sys.argv[3])]))
        for entry in page:
            kind = entry.tag.split("}")[-1]
            if kind in ("Version", "DeleteMarker"):
                print(kind, entry.find("{*}Key").text)
        return
    for key in keys(bucket):
        if folder != "-":
            target = pathlib.Path(folder, key)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(get(f"/{bucket}/{key}"))
        print(key)


main()
