.PHONY: test race vet lint bench fuzz server replay

test: ; go test ./...
race: ; go test -race ./...
vet: ; go vet ./... && test -z "$$(gofmt -l .)"
lint: ; golangci-lint run
bench: ; go test -run '^$$' -bench . -benchmem ./...
fuzz: ; .ci/fuzz 20s
server: ; go run ./examples/server
replay: ; go run ./examples/replay -data $(DATA)
