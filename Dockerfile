# Taskhand over HTTP:
#   docker build -t taskhand .
#   docker run -p 127.0.0.1:8000:8000 -v taskhand:/data taskhand
# Nobody is asked who they are: whoever reaches the port can use it. Publish it on loopback, as above, or behind a proxy
# that asks, and then name what callers call it: `... taskhand serve --http --host 0.0.0.0 --allow-host tasks.example.com`
FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY examples/scenarios examples/scenarios
RUN python -m venv --without-pip /opt/taskhand \
 && pip --python /opt/taskhand/bin/python install --no-cache-dir --disable-pip-version-check .

FROM python:3.13-slim
COPY --from=build /opt/taskhand /opt/taskhand
RUN useradd --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin taskhand
ENV PATH=/opt/taskhand/bin:$PATH \
    TASKHAND_DB=/data/tasks.sqlite
# By number: an orchestrator that insists on a user other than root can tell.
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s --retries=3 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health', timeout=2)"]
ENTRYPOINT ["taskhand"]
CMD ["serve", "--http", "--host", "0.0.0.0", "--allow-host", "localhost"]
