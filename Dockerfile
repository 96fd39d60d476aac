# Two images from one file: the program (target volcard) and the workflow engine with its Web
# UI (target temporal). Neither holds a compiler, a secret or a user other than its own.

FROM golang:1.26.8-bookworm AS modules
WORKDIR /src
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-trimpath
COPY go.mod go.sum ./
RUN go mod download

FROM modules AS build-volcard
COPY . .
RUN go build -ldflags='-s -w' -o /out/volcard ./cmd/volcard
RUN go run ./third_party/notices -texts /out/volcard >/out/licenses.txt

FROM modules AS build-temporal
COPY cmd/temporal-dev/go.mod cmd/temporal-dev/go.sum cmd/temporal-dev/
RUN cd cmd/temporal-dev && go mod download
COPY cmd/temporal-dev cmd/temporal-dev
COPY third_party/notices third_party/notices
RUN cd cmd/temporal-dev && go build -ldflags='-s -w' -o /out/temporal-dev .
RUN go run ./third_party/notices -texts /out/temporal-dev >/out/licenses.txt

FROM debian:12.11-slim AS base
# The SMS gateways speak https.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin volcard
COPY LICENSE THIRD_PARTY_NOTICES.md /usr/share/doc/volcard/
COPY third_party/licenses /usr/share/doc/volcard/licenses
USER 10001:10001
WORKDIR /

FROM base AS temporal
COPY --from=build-temporal /out/licenses.txt /usr/share/doc/volcard/go-licenses.txt
COPY --from=build-temporal /out/temporal-dev /usr/local/bin/temporal-dev
ENV TEMPORAL_DEV_BIND=0.0.0.0 TEMPORAL_DEV_PORT=7233 TEMPORAL_DEV_UI_PORT=8233
EXPOSE 7233 8233
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["temporal-dev", "-health"]
ENTRYPOINT ["temporal-dev"]

FROM base AS volcard
COPY --from=build-volcard /out/licenses.txt /usr/share/doc/volcard/go-licenses.txt
COPY --from=build-volcard /out/volcard /usr/local/bin/volcard
ENV PORT=8080 VOLCARD_HTTP_HOST=0.0.0.0 VOLCARD_METRICS_ADDR=0.0.0.0:9090
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["volcard", "health"]
ENTRYPOINT ["volcard"]
CMD ["api"]
