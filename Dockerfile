# The reference server, without demo data: docker build -t platform . && docker run -p 8080:8080 -v market:/data platform
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /server ./examples/server && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /server /server
COPY --from=build --chown=nonroot:nonroot /data /data
EXPOSE 8080
VOLUME /data
ENTRYPOINT ["/server", "-demo=false", "-addr=:8080", "-folder=/data"]
