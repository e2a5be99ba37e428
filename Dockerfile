# vqctl for the CPU.
#   docker build -t vqctl .
#   docker run --rm -it -v "$PWD:/work" vqctl train --cpu
FROM golang:1.26-bookworm AS build
RUN apt-get update -q && apt-get install -q -y --no-install-recommends cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=container
RUN make dist CUDA=0 VERSION="$VERSION" && mkdir /vqctl && tar -xzf dist/vqctl-*.tar.gz -C /vqctl

FROM debian:bookworm-slim
RUN apt-get update -q && apt-get install -q -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /vqctl/vqctl /usr/local/bin/
COPY --from=build /vqctl/LICENSE /vqctl/THIRD-PARTY-LICENSES.txt /usr/share/doc/vqctl/
WORKDIR /work
ENTRYPOINT ["vqctl"]
