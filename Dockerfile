# Masquerade with its farm, for one machine or as a node of a Ray cluster.
#
#   docker build -t masquerade .
#   docker run --rm -v "$PWD:/work" masquerade masquerade farm run job.toml
#
# For NVIDIA devices: docker build --build-arg RUNTIME=onnxruntime-gpu -t masquerade . and
# docker run --gpus all. docs/farm.md has clusters.

ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
ARG RUNTIME=onnxruntime
WORKDIR /source
RUN python -m venv /opt/masquerade
ENV PATH=/opt/masquerade/bin:$PATH
COPY requirements/cluster.txt requirements/
# The lock names everything there is to install, each file by its hash.
RUN pip install --no-cache-dir --require-hashes --only-binary :all: --no-deps -r requirements/cluster.txt
# The runtime for devices is the one thing that is not in the lock: it takes the other's place.
RUN if [ "$RUNTIME" != onnxruntime ]; then \
        pip uninstall --yes onnxruntime \
        && pip install --no-cache-dir --only-binary :all: --no-deps "$RUNTIME==$(sed -n 's/^onnxruntime==\([0-9.]*\).*/\1/p' requirements/cluster.txt)"; \
    fi
COPY LICENSE NOTICE README.md pyproject.toml ./
COPY src src
RUN pip install --no-cache-dir --no-build-isolation --no-deps .

FROM python:${PYTHON}-slim
# ssh and rsync are what `ray up` reaches the other machines with.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openssh-client rsync \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/masquerade /opt/masquerade
# Ray sends nothing about its use, and speaks to nobody who has not the cluster's token.
ENV PATH=/opt/masquerade/bin:$PATH \
    MASQUERADE_HOME=/home/masquerade/.masquerade \
    RAY_AUTH_MODE=token \
    RAY_USAGE_STATS_ENABLED=0
RUN useradd --create-home --uid 1000 masquerade && install -d -o masquerade /work
USER masquerade
WORKDIR /work
CMD ["masquerade", "--help"]
