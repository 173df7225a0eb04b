# qa_service in a container: CPU only, not as root, offline at run time, the index built in.
#
#   docker build -t qa-service .
#   docker run --rm -p 127.0.0.1:8000:8000 -e QA_SERVICE_OPEN=true \
#       -e QA_SERVICE_ALLOWED_HOSTS=localhost,127.0.0.1 qa-service   # for this machine
#   … -v "$PWD/corpus:/data/corpus:ro" …                                        # your own documents
# For a network: keys instead of QA_SERVICE_OPEN, see README.md.

FROM python:3.11-slim

# The address of PyTorch's CPU-only packages (see README.md), for a small image:
#   docker build --build-arg TORCH_INDEX=ADDRESS -t qa-service .
ARG TORCH_INDEX=

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

WORKDIR /build
COPY constraints.txt ./
RUN pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$(grep '^torch==' constraints.txt)"
COPY pyproject.toml README.md LICENSE ./
COPY qa_service ./qa_service
COPY corpus ./corpus
RUN pip install -c constraints.txt . && rm -rf /build/*

RUN useradd --create-home --uid 10001 qa && install -d -o qa -g qa /data /data/index
USER qa
WORKDIR /data
ENV HF_HUB_OFFLINE=1 QA_SERVICE_HOST=0.0.0.0 QA_SERVICE_PORT=8000 QA_SERVICE_INDEX=/data/index
RUN qa-service index

EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["qa-service", "serve"]
