# make          bin/vqctl; with CUDA=1, or where CUDA is installed, also bin/libvqcuda.so, which it loads for --gpu
# make install  bin/vqctl to PREFIX/bin (/usr/local); DESTDIR is put before it; make uninstall removes it
# make demo     everything once, on bundled real chat: under four minutes after the build
# make test     all tests: C++ under ASan and UBSan, Go under the race detector, and scripts/gpu-check in the simulator
# make bench    all benchmarks, as JSON and as a table (beside HF + PEFT, which it fetches)
# make fuzz     every fuzz target for FUZZTIME (10s)
# make soak     the tests that depend on chance, and fuzzing, again and again for MINUTES (60)
# make check    the quick loop: cached, no sanitizers; PKG=./internal/windows for one package
# make lint     gofmt, go vet, staticcheck, package arrows, spelling, workflows, clang-format
# make vuln     known vulnerabilities in what the program uses (asks the Go vulnerability database)
# make dist     dist/vqctl-OS-ARCH.tar.gz, as a release has it
# make golden   the oracles' files again (needs Python with transformers and peft)
# make clean    removes what was built
# make help     this list

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: all build folder help install uninstall check check-cpp check-format dist vuln vqctl program engine cuda cuda-sim demo test test-go test-cpp test-gpu-check bench fuzz soak lint golden clean setup-build

JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
FUZZTIME ?= 10s
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
MISSPELL := github.com/golangci/misspell/cmd/misspell@v0.7.0
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.7
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.1.4
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
ENGINE := build/engine/libvqengine.a
# Go does not see that a static library has changed: its checksum among the linker's flags makes it link, and test, again.
ENGINE_LDFLAGS = -X ventriloquist/engine.library=$(firstword $(shell cksum $(ENGINE) 2>/dev/null))
GO_LDFLAGS = -bindnow -X main.version=$(VERSION) $(ENGINE_LDFLAGS)
# Position-independent programs (scripts/check-hardening). Every go command gets the flag, so that tests, vet and builds
# share compiled packages.
export GOFLAGS := $(strip $(shell go env GOFLAGS 2>/dev/null) -buildmode=pie)

# CUDA=1 fetches a toolkit where none is installed; CUDA=0 builds without.
NVCC := $(if $(filter 0,$(CUDA)),,$(shell scripts/cuda-toolkit --find 2>/dev/null))
CUDA ?= $(if $(NVCC),1,0)

all: vqctl

help:
	@sed -n '/^#/!q; s/^# //p' Makefile

setup-build:
	@scripts/setup build

engine: setup-build
	$(call configure,build/engine,-DCMAKE_BUILD_TYPE=Release)
	@cmake --build build/engine --target vqengine -j $(JOBS) -- --no-print-directory

# configure(FOLDER, OPTIONS): CMake's build folder, made anew when it is another checkout's.
configure = @grep -qs "CMAKE_HOME_DIRECTORY:INTERNAL=$(CURDIR)$$" $(1)/CMakeCache.txt || rm -rf $(1)/CMakeCache.txt $(1)/CMakeFiles; \
  cmake -S . -B $(1) $(2) >$(1).log 2>&1 || { cat $(1).log; exit 1; }

# For those who type it: the folder of the same name would be up to date.
build: vqctl

folder:
	@mkdir -p build

engine: | folder

# Every kernel for every architecture; a table of what each takes.
cuda: | folder
	@scripts/cuda-toolkit >/dev/null
	$(call configure,build/device,-DCMAKE_BUILD_TYPE=Release -DVQ_TESTS=OFF -DVQ_NVCC=$$(scripts/cuda-toolkit --find))
	@cmake --build build/device --target vqcuda -j $(JOBS) -- --no-print-directory
	@scripts/check-hardening build/device/libvqcuda.so
	@mkdir -p bin && cp build/device/libvqcuda.so bin/
	@scripts/kernel-table build/device/cuda >build/kernels.txt
	@echo "built bin/libvqcuda.so; build/kernels.txt says what each kernel takes"

vqctl: program $(if $(filter 1,$(CUDA)),cuda)
	@echo "built bin/vqctl $(VERSION)"

program: engine
	@go build -ldflags "$(GO_LDFLAGS)" -o bin/vqctl ./cmd/vqctl
	@scripts/check-hardening bin/vqctl

# What is built already is not built again, so that sudo make install compiles nothing as root.
PREFIX ?= /usr/local
install: $(if $(wildcard bin/vqctl),,vqctl)
	@install -d "$(DESTDIR)$(PREFIX)/bin"
	@install -m 755 bin/vqctl $(wildcard bin/libvqcuda.so) "$(DESTDIR)$(PREFIX)/bin"
	@echo "installed $(DESTDIR)$(PREFIX)/bin/vqctl"

uninstall:
	@rm -f "$(DESTDIR)$(PREFIX)/bin/vqctl" "$(DESTDIR)$(PREFIX)/bin/libvqcuda.so"

demo: vqctl
	bin/vqctl demo

test: test-cpp test-go test-gpu-check

# The sanitized build is for the tests only; Go links the library of the release build.
test-cpp: | folder
	@scripts/setup test
	$(call configure,build/sanitized,-DCMAKE_BUILD_TYPE=RelWithDebInfo -DVQ_TESTS=ON -DVQ_SANITIZE=ON)
	@cmake --build build/sanitized -j $(JOBS) -- --no-print-directory
	ctest --test-dir build/sanitized --output-on-failure -j $(JOBS)

# The CUDA device with its kernels on the processor: a stand-in for libvqcuda, for Go's tests where CUDA is, on Linux.
cuda-sim: engine
	@[ "$$(uname -s)" != Linux ] || cmake --build build/engine --target vqcuda_sim vq_bench_training vq_bench_kernels vq_check_sizes -j $(JOBS) -- --no-print-directory

# The race detector does not work in position-independent programs. It waits a second at the end of each process for reports
# of other threads, unless it is told not to: the tests start hundreds. The tests of cmd/vqctl start bin/vqctl, which is not slowed
# by the detector; make soak starts programs under it. Vetting belongs to make check and make lint. SQLite takes a minute of
# processor time to compile at -O2 and 20 seconds at -O1; without debugging tables (-w) the test binaries link in half the time.
test-go: cuda-sim program
	GOFLAGS="$(filter-out -buildmode=pie,$(GOFLAGS))" CGO_CFLAGS="$(strip $(CGO_CFLAGS) -O1)" GORACE=atexit_sleep_ms=0 VQCTL=$(CURDIR)/bin/vqctl \
	  go test -race -vet=off -timeout 30m -ldflags "-w $(ENGINE_LDFLAGS)" ./...

# What scripts/gpu-check runs on a GPU, in the simulator.
test-gpu-check: cuda-sim
	@[ "$$(uname -s)" != Linux ] || scripts/gpu-check --rehearse >build/gpu-check.md || { cat build/gpu-check.md; exit 1; }

ifdef PKG
# The engine is built only for packages that use it.
check: $(if $(shell go list -deps -test $(PKG) | grep -x ventriloquist/engine),cuda-sim)
	@go vet $(PKG)
	@go test -short -ldflags "$(ENGINE_LDFLAGS)" $(PKG)
else
check: check-format check-cpp
	@go vet ./...
	@scripts/check-arrows
	@go test -short -ldflags "$(ENGINE_LDFLAGS)" ./...
endif

# The C++ tests run when a source has changed since they passed.
check-cpp: build/engine/passed

build/engine/passed: CMakeLists.txt $(shell find csrc -type f) | folder
	@scripts/setup test
	$(call configure,build/engine,-DCMAKE_BUILD_TYPE=Release)
	@cmake --build build/engine -j $(JOBS) -- --no-print-directory
	@$(MAKE) --no-print-directory cuda-sim
	@ctest --test-dir build/engine --output-on-failure
	@touch $@

check-format:
	@unformatted=$$(gofmt -l cmd engine internal scripts); [ -z "$$unformatted" ] || { echo "gofmt -w $$unformatted"; exit 1; }

bench: vqctl
	@scripts/bench/run

fuzz: engine
	@grep -ro --include=*_test.go 'func Fuzz[A-Za-z0-9_]*' internal engine cmd | sed 's/:func / /' | sort | while read -r file target; do \
	  echo "== $$(dirname $$file) $$target"; \
	  go test -ldflags "$(GO_LDFLAGS)" ./$$(dirname $$file) -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x </dev/null || exit 1; \
	done

soak: cuda-sim
	@LDFLAGS="$(ENGINE_LDFLAGS)" scripts/soak $(or $(MINUTES),60)

lint: engine check-format
	@scripts/setup lint
	go vet ./...
	go run $(STATICCHECK) ./...
	scripts/check-arrows
	scripts/check-includes
	scripts/notice | diff NOTICE -
	MISSPELL=$(MISSPELL) scripts/check-words
	go run $(ACTIONLINT) -shellcheck= -pyflakes=
	@find csrc -name '*.h' -o -name '*.cpp' -o -name '*.cu' | xargs clang-format --dry-run --Werror

vuln: engine
	go run $(GOVULNCHECK) ./...

dist: engine
	@scripts/dist $(VERSION)

golden:
	python3 scripts/make_goldens.py
	python3 scripts/make_sampling_goldens.py

clean:
	rm -rf bin build dist
