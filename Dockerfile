# The two images of Perennial: `--target operator` and `--target trainer`.
# BASE is any image with Python 3.11 or newer and its venv module; the devcluster makes one from Debian's packages.
ARG BASE=python:3.11-slim-bookworm

# Each environment comes from its hashed lock. The distribution itself is plain source, so nothing is built in here.
# The secret "ca" is a CA bundle for machines behind a proxy that inspects TLS; leave it out elsewhere.
# Bytecode is compiled without times, because an image may be written with all its times set to 0.
FROM ${BASE} AS operator-build
COPY operator/requirements.txt /tmp/requirements.txt
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.cache/pip \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r /tmp/requirements.txt \
 && /opt/venv/bin/pip check \
 && /opt/venv/bin/pip uninstall --quiet --yes setuptools pip \
 && find /opt/venv/lib -type d \( -name tests -o -name test \) -path '*/site-packages/*' -prune -exec rm -rf {} + \
 && /opt/venv/bin/python -m compileall -q -j0 --invalidation-mode unchecked-hash /opt/venv/lib
COPY operator/src /opt/app
RUN /opt/venv/bin/python -m compileall -q -j0 --invalidation-mode unchecked-hash /opt/app

FROM ${BASE} AS operator
COPY --from=operator-build /opt/venv /opt/venv
COPY --from=operator-build /opt/app /opt/app
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/opt/app PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
# Proves that the lock is whole and that nothing that was left out is missed.
RUN python -c "import perennial, kopf, kubernetes, pydantic, prometheus_api_client"
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["python", "-m", "perennial"]

FROM ${BASE} AS trainer-build
COPY trainer/requirements.txt /tmp/requirements.txt
RUN --mount=type=secret,id=ca --mount=type=cache,target=/root/.cache/pip \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi; \
    python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r /tmp/requirements.txt \
 && /opt/venv/bin/pip check \
 && /opt/venv/bin/pip uninstall --quiet --yes grpcio-tools setuptools pip \
 && find /opt/venv/lib -type d \( -name tests -o -name test \) -path '*/site-packages/*' -prune -exec rm -rf {} + \
 && /opt/venv/bin/python -m compileall -q -j0 --invalidation-mode unchecked-hash /opt/venv/lib
COPY trainer/src /opt/app
RUN printf '#!/bin/sh\nexec /opt/venv/bin/python -m perennial_trainer "$@"\n' >/opt/venv/bin/perennial-trainer \
 && chmod 755 /opt/venv/bin/perennial-trainer \
 && /opt/venv/bin/python -m compileall -q -j0 --invalidation-mode unchecked-hash /opt/app

FROM ${BASE} AS trainer
COPY --from=trainer-build /opt/venv /opt/venv
COPY --from=trainer-build /opt/app /opt/app
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/opt/app PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
RUN python -c "import perennial_trainer.train, perennial_trainer.verify, perennial_trainer.preflight" \
 && python -c "import perennial_trainer.serve.server, perennial_trainer.serve.model"
USER 65532:65532
WORKDIR /tmp
EXPOSE 8080
ENTRYPOINT ["perennial-trainer"]
