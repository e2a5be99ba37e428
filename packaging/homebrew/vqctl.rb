# Homebrew formula of a release. The release workflow fills in @VERSION@, @RELEASES@ and the checksums with scripts/fill-template
# and attaches the result; copy that into a tap's Formula folder.
class Vqctl < Formula
  desc "Fine-tune a language model on your own message history"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    depends_on arch: :arm64
    url "@RELEASES@/download/v@VERSION@/vqctl-darwin-arm64.tar.gz"
    sha256 "@SHA256_DARWIN_ARM64@"
  end

  on_linux do
    on_intel do
      url "@RELEASES@/download/v@VERSION@/vqctl-linux-amd64.tar.gz"
      sha256 "@SHA256_LINUX_AMD64@"
    end
    on_arm do
      url "@RELEASES@/download/v@VERSION@/vqctl-linux-arm64.tar.gz"
      sha256 "@SHA256_LINUX_ARM64@"
    end
  end

  def install
    bin.install "vqctl"
    doc.install "README.md", "LICENSE", "THIRD-PARTY-LICENSES.txt"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/vqctl --version")
    assert_match "[", pipe_output("#{bin}/vqctl tokenize --base-model tiny", "\"hello\"\n")
  end
end
