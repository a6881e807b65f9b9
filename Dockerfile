# Imago in a container: not root, nothing written but to the two volumes. See docs/operations.md.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/imago
COPY pyproject.toml README.md LICENSE ./
COPY engine engine
COPY bot bot
# torch comes from pip's index, or from the one in PIP_INDEX_URL, where its builds for other devices are.
ARG PIP_INDEX_URL
RUN /opt/imago/bin/pip install --no-cache-dir "torch==2.13.*" "torchvision==0.28.*" \
 && /opt/imago/bin/pip install --no-cache-dir .

FROM python:3.11-slim
RUN useradd --no-log-init --uid 10001 --home-dir /var/lib/imago imago \
 && install --directory --owner imago /var/lib/imago /var/cache/imago /etc/imago \
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
