# Compiles on the machine that builds the image, for that of TARGETARCH. podman and
# buildah of Debian 12 take --build-arg BUILDPLATFORM=linux/amd64 for this.
FROM --platform=$BUILDPLATFORM debian:bookworm-slim AS build
ARG TARGETARCH
RUN --mount=type=bind,source=exporter/packaging,target=/packaging \
    /packaging/make_toolchain "$TARGETARCH" /toolchain
COPY . /source
ARG REVISION=unknown
RUN cmake -G Ninja -S /source -B /build -DCMAKE_BUILD_TYPE=RelWithDebInfo \
      -DCMAKE_TOOLCHAIN_FILE=/toolchain/toolchain.cmake \
      -DJEMALLOC_EXPORTER_TESTING=OFF -DJEMALLOC_EXPORTER_REVISION=$REVISION \
 && ninja -C /build \
 && cmake --install /build --component runtime --strip --prefix /stage

# Without the option, buildah 1.28 takes the platform of the stage before.
FROM --platform=$TARGETPLATFORM debian:bookworm-slim
RUN --mount=type=bind,source=exporter/packaging/install-dependencies,target=/packages \
    /packages runtime && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /stage/ /usr/local/
# The image is no good if a library is missing in it.
RUN jemalloc_exporter --version

ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="jemalloc_exporter" \
      org.opencontainers.image.description="Prometheus exporter of jemalloc's heap state" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.documentation="$SOURCE" \
      org.opencontainers.image.licenses="NOASSERTION"

USER 65534:65534
EXPOSE 10536
# For the address that is listened on by default, without TLS or passwords.
HEALTHCHECK CMD ["bash", "-c", "exec 3<>/dev/tcp/localhost/10536 && \
  printf 'GET /-/healthy HTTP/1.0\\r\\n\\r\\n' >&3 && \
  read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["jemalloc_exporter"]
