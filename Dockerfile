# Taskhand in a container; docs/operating.md has stdio, folders of the host, keys and a TLS proxy:
#   docker build -t taskhand .
#   docker run -p 127.0.0.1:8000:8000 -v taskhand:/data taskhand
# Callers are asked for a key: docker exec NAME taskhand keys create --person ana@x.test --scopes read,write
ARG BASE=python:3.13.9-slim-trixie
FROM ${BASE} AS build
WORKDIR /source
RUN python -m venv --without-pip /opt/taskhand
# The packages that Taskhand needs change seldom, and stay in their layer.
COPY requirements/runtime.txt requirements/
RUN pip --python /opt/taskhand/bin/python install --no-cache-dir --disable-pip-version-check \
    --requirement requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY examples/scenarios examples/scenarios
RUN pip --python /opt/taskhand/bin/python install --no-cache-dir --disable-pip-version-check --no-deps .
# `--build-arg EXTRAS=metrics,otel` adds the packages of these extras; without it there is nothing to add.
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
# By number: an orchestrator that insists on a user other than root can tell.
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# Of the port that TASKHAND_PORT sets: whether the process lives, which an error in the configuration does not change;
# /ready says whether calls can be carried out. Over stdio there is none: run with --no-healthcheck.
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"TASKHAND_PORT\"]}/health', timeout=2)"]
ENTRYPOINT ["taskhand"]
CMD ["serve", "--http", "--host", "0.0.0.0", "--auth", "keys"]
