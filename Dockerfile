# syntax=docker/dockerfile:1
# joulemark with its built-in models, for a processor or, started with --gpus all, an NVIDIA card; docs/docker.md
FROM python:3.11.14-slim-bookworm

# A further index, for torch without CUDA; empty: the torch of pip's own index, which on Linux brings CUDA (gigabytes)
ARG TORCH_INDEX=
# Of pyproject.toml, with commas between them
ARG EXTRAS=quantization,speech,detection,postgres,serve,telemetry

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1
WORKDIR /build

# What is installed changes only with these two files: a change of the program takes none of it again
COPY pyproject.toml constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --upgrade 'pip>=26.3' 'hatchling>=1.27,<2' \
 && touch README.md LICENSE && mkdir -p conf hydra_plugins src/joulemark \
 && PIP_EXTRA_INDEX_URL="$TORCH_INDEX" pip install --only-deps --no-build-isolation --constraint constraints.txt ".[$EXTRAS]"

COPY README.md LICENSE ./
COPY conf conf
COPY hydra_plugins hydra_plugins
COPY src src
RUN pip install --no-deps --no-build-isolation .

# Whoever runs it (docker run --user) may write its records and caches: a number without a name, never root
WORKDIR /home/joulemark
RUN mkdir mlruns && chmod 1777 . mlruns
ENV HOME=/home/joulemark LOGNAME=joulemark
USER 1000:1000
VOLUME /home/joulemark/mlruns
ENTRYPOINT ["joulemark"]
CMD ["--help"]
