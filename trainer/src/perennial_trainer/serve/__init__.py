"""The model server: KServe's v1 and v2 protocols on the ``kserve`` package, for one verified artifact."""
