package describe_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ventriloquist/internal/describe"
	"ventriloquist/internal/usererr"
)

func TestNewOpenAI_NamesARedirect(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/v1/models", http.StatusFound))
	defer server.Close()
	_, err := describe.NewOpenAI(t.Context(), server.URL+"/v1", "", "key")
	if advice := usererr.Of(err); !strings.Contains(advice, "redirects to another server") {
		t.Errorf("%v: the advice is %q", err, advice)
	}
}
