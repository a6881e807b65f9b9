# Imago in a container: not root, nothing written but to the two volumes. See docs/operations.md.
ARG PYTHON=python:3.11.16-slim@sha256:9c900dea9e8fb7e16277c179b555cc72d29a352dbc33cff48ad5a0412fd5bfc7

FROM ${PYTHON} AS build
ARG LOCK=requirements.lock
WORKDIR /src
COPY ${LOCK} requirements.lock
# Another index, and its password, come as a secret: they are in no layer and not in the history.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv /opt/imago \
 && /opt/imago/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY engine engine
COPY bot bot
RUN /opt/imago/bin/pip install --no-cache-dir --no-deps --no-build-isolation --no-index .

FROM ${PYTHON}
RUN useradd --no-log-init --uid 10001 --home-dir /var/lib/imago imago \
 && install --directory --owner imago --mode 0700 /var/lib/imago /var/cache/imago \
 && install --directory --owner root /etc/imago \
 && printf '[bot]\nfolder = "/var/lib/imago"\n[web]\nhost = "0.0.0.0"\n' > /etc/imago/config.toml
COPY --from=build /opt/imago /opt/imago
ENV PATH=/opt/imago/bin:$PATH HF_HOME=/var/cache/imago XDG_CACHE_HOME=/var/cache/imago \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER imago
VOLUME ["/var/lib/imago", "/var/cache/imago"]
EXPOSE 8420
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8420/healthz', timeout=4)"]
CMD ["imago", "serve", "--config", "/etc/imago/config.toml"]
