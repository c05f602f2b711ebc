#!/bin/sh
# Fetches Apache Kafka's jars for the tests, once; installs nothing.
# Prints the folder they lie in. Needs java and mvn, and says so when they are missing.
set -eu

VERSION=4.3.0
ROOT=$(cd "$(dirname "$0")/.." && pwd)
HOME_DIR="${TOCSIN_CACHE:-$ROOT/.tocsin/cache}/kafka-$VERSION"
LIBS="$HOME_DIR/libs"
DONE="$HOME_DIR/complete"

need() {
    command -v "$1" >/dev/null 2>&1 && return
    echo "scripts/kafka.sh: $1 is missing; it is needed to run Apache Kafka in tests." >&2
    echo "  Debian, Ubuntu: sudo apt-get install $2" >&2
    echo "  macOS:          brew install $3" >&2
    exit 1
}

need java default-jre-headless openjdk
if [ -e "$DONE" ]; then
    echo "$LIBS"
    exit 0
fi
need mvn maven maven

# A folder of its own, moved into place when whole: two runs at once do not meet.
mkdir -p "$HOME_DIR"
WORK=$(mktemp -d "$HOME_DIR/fetch.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
cat >"$WORK/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tocsin.test</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$VERSION</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$VERSION</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.4</version></dependency>
  </dependencies>
</project>
POM
(cd "$WORK" && mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=libs) >&2
if [ ! -e "$DONE" ]; then
    rm -rf "$LIBS"
    mv "$WORK/libs" "$LIBS"
    : >"$DONE"
fi
echo "$LIBS"
