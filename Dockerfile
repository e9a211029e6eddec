# Taskhand in a container; docs/operating.md has stdio, folders of the host, keys and a TLS proxy:
#   docker build -t taskhand .
#   docker run -p 127.0.0.1:8000:8000 -v taskhand:/data taskhand
# Callers need a key: docker exec NAME taskhand keys create --person ana@x.test --scopes read,write
ARG BASE=python:3.13.9-slim-trixie
FROM ${BASE} AS build
WORKDIR /source
RUN python -m venv --without-pip /opt/taskhand
# The dependencies change seldom, so they have their own layer.
COPY requirements/runtime.txt requirements/
RUN pip --python /opt/taskhand/bin/python install --no-cache-dir --disable-pip-version-check \
    --requirement requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY examples/scenarios examples/scenarios
RUN pip --python /opt/taskhand/bin/python install --no-cache-dir --disable-pip-version-check --no-deps .
# `--build-arg EXTRAS=metrics,otel` adds the packages of these extras.
ARG EXTRAS=
COPY requirements/dev.txt requirements/
RUN pip --python /opt/taskhand/bin/python install --no-cache-dir --disable-pip-version-check \
    --constraint requirements/dev.txt ".${EXTRAS:+[$EXTRAS]}" \
 && pip --python /opt/taskhand/bin/python check

FROM ${BASE}
COPY --from=build /opt/taskhand /opt/taskhand
RUN useradd --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin taskhand
ENV PATH=/opt/taskhand/bin:$PATH \
    TASKHAND_DB=/data/tasks.sqlite \
    TASKHAND_KEYS=/data/keys.sqlite \
    TASKHAND_PORT=8000
# A numeric id, so that an orchestrator can check that the user is not root.
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# Checks that the process is alive, on the port of TASKHAND_PORT, also with an error in the configuration; /ready says
# whether calls can be carried out. A server over stdio has no port: run it with --no-healthcheck.
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"TASKHAND_PORT\"]}/health', timeout=2)"]
ENTRYPOINT ["taskhand"]
CMD ["serve", "--http", "--host", "0.0.0.0", "--auth", "keys"]
