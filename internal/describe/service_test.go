package describe_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ventriloquist/internal/describe"
	"ventriloquist/internal/describe/describetest"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/usererr"
)

// both runs a test against servers of both kinds.
func both(t *testing.T, test func(t *testing.T, a *album, server *describetest.Server, s describe.Service)) {
	t.Run("Gemini", func(t *testing.T) {
		a, server := newAlbum(t), describetest.NewGemini()
		test(t, a, server, a.gemini(server))
	})
	t.Run("OpenAI", func(t *testing.T) {
		a, server := newAlbum(t), describetest.NewOpenAI()
		test(t, a, server, a.openAI(server))
	})
}

// answers returns one reply after the other, and then repeats the last.
func answers(replies ...describetest.Reply) func(int, *describetest.Asked) describetest.Reply {
	return func(n int, _ *describetest.Asked) describetest.Reply { return replies[min(n, len(replies)-1)] }
}

func TestRun_Image(t *testing.T) {
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		a.add("cat.jpg", messages.Image, photo(1))
		report, err := a.describe(s)
		if err != nil || report.Described != 1 {
			t.Fatalf("report is %+v (%v)", report, err)
		}
		a.want("cat.jpg: described A cat on a sofa.")
		asked := server.Asked()
		if len(asked) != 1 || len(asked[0].Media) != 1 || asked[0].Media[0].Format != "image/jpeg" || string(asked[0].Media[0].Data) != string(photo(1)) ||
			asked[0].Model != s.Model() || asked[0].MaxTokens == 0 || !strings.Contains(asked[0].Prompt, "1 to 3 short sentences") {
			t.Errorf("asked %+v", asked)
		}
		if report, err := a.describe(s); err != nil || report.Described != 0 || len(server.Asked()) != 1 {
			t.Errorf("the second time %+v (%v), after %d requests", report, err, len(server.Asked()))
		}
	})
}

func TestRun_CostAsBilled(t *testing.T) {
	a, server := newAlbum(t).images(2), describetest.NewGemini()
	report, err := a.describe(a.gemini(server))
	want := 2 * (1000*0.5 + 100*1.0 + 10*3.0) / 1e6
	if err != nil || report.Cost == nil || *report.Cost < want*0.999 || *report.Cost > want*1.001 {
		t.Errorf("cost is %v (%v), want %g", report.Cost, err, want)
	}
	if got := server.Asked()[0].Thinking; got != "MINIMAL" {
		t.Errorf("thinking is %q", got)
	}
}

func TestRun_Retries(t *testing.T) {
	for name, c := range map[string]struct {
		reply describetest.Reply
		least time.Duration // that is waited
	}{
		"Throttled":    {describetest.Reply{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, 7 * time.Second},
		"Busy":         {describetest.Reply{Status: 503, Body: "<html>busy</html>"}, time.Second / 2},
		"Wrong":        {describetest.Reply{Status: 500, Body: `{"error": {"message": "internal"}}`}, time.Second / 2},
		"HangsUp":      {describetest.Reply{HangUp: true}, time.Second / 2},
		"BreaksOff":    {describetest.Reply{Text: "A cat.", Cut: true}, time.Second / 2},
		"NoJSON":       {describetest.Reply{Status: 200, Body: `{"candidates": [{"content": {"parts": [{"te`}, time.Second / 2},
		"NoCandidates": {describetest.Reply{Status: 200, Body: `{}`}, time.Second / 2},
		"OtherTypes":   {describetest.Reply{Status: 200, Body: `{"candidates": 3, "choices": 4}`}, time.Second / 2},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
				a.images(1)
				server.Answer = answers(c.reply, c.reply, describetest.Reply{Text: "A dog."})
				if _, err := a.describe(s); err != nil {
					t.Fatal(err)
				}
				a.want("00.jpg: described A dog.")
				slept := a.clock.Slept()
				if len(slept) != 2 || slept[0] < c.least || slept[1] < c.least || slept[1] > time.Minute {
					t.Errorf("slept %v", slept)
				}
			})
		})
	}
}

func TestRun_GoogleRetryInfo(t *testing.T) {
	a, server := newAlbum(t).images(1), describetest.NewGemini()
	server.Answer = answers(describetest.Reply{Status: 429, Body: describetest.GoogleError(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota",
		`{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]}`,
		`{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}`)}, describetest.Reply{Text: "A dog."})
	if _, err := a.describe(a.gemini(server)); err != nil {
		t.Fatal(err)
	}
	if slept := a.clock.Slept(); len(slept) != 1 || slept[0] != 34500*time.Millisecond {
		t.Errorf("slept %v", slept)
	}
}

// Errors that no retry can change end the run at once, with advice.
func TestRun_Stops(t *testing.T) {
	google := func(status int, code, message string, details ...string) describetest.Reply {
		return describetest.Reply{Status: status, Body: describetest.GoogleError(status, code, message, details...)}
	}
	daily := google(429, "RESOURCE_EXHAUSTED", "quota", `{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}`)
	for name, c := range map[string]struct {
		reply      describetest.Reply
		want, hint string
	}{
		"Model":     {google(404, "NOT_FOUND", "models/nope is not found"), "404: models/nope is not found", "must name a Gemini model"},
		"Denied":    {google(403, "PERMISSION_DENIED", "denied"), "403", "GEMINI_API_KEY"},
		"Country":   {google(400, "FAILED_PRECONDITION", "User location is not supported"), "location", "country"},
		"Daily":     {daily, "429", "tomorrow"},
		"Patience":  {describetest.Reply{Status: 429, Header: http.Header{"Retry-After": {"86400"}}}, "asks to wait 24h0m0s", "run the command again"},
		"Elsewhere": {describetest.Reply{Status: 307, Header: http.Header{"Location": {"http://192.0.2.1/"}}}, "307", "another server"},
	} {
		t.Run(name, func(t *testing.T) {
			a, server := newAlbum(t).images(3), describetest.NewGemini()
			server.Answer = answers(describetest.Reply{Text: "A dog."}, c.reply)
			report, err := a.describe(a.gemini(server))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(usererr.Of(err), c.hint) {
				t.Errorf("error is %v with hint %q", err, usererr.Of(err))
			}
			if report.Described != 1 || len(server.Asked()) != 2 {
				t.Errorf("report is %+v after %d requests", report, len(server.Asked()))
			}
			a.want("00.jpg: described A dog.", "01.jpg:", "02.jpg:") // what was not described is not to blame
		})
	}
}

func TestRun_WrongKey(t *testing.T) {
	a, server := newAlbum(t).images(2), describetest.NewGemini()
	g := a.gemini(server)
	server.Key = "another"
	_, err := a.describe(g)
	if err == nil || !strings.Contains(err.Error(), "API key not valid") || !strings.Contains(usererr.Of(err), "GEMINI_API_KEY") {
		t.Errorf("error is %v with hint %q", err, usererr.Of(err))
	}
	b, local := newAlbum(t).images(2), describetest.NewOpenAI()
	local.Key = "right-key-of-the-server"
	o := b.openAI(local)
	local.Key = "changed"
	_, err = b.describe(o)
	if err == nil || !strings.Contains(usererr.Of(err), "key_file") || strings.Contains(err.Error(), "right-key") {
		t.Errorf("error is %v with hint %q", err, usererr.Of(err))
	}
	if len(server.Calls()) != 1 || len(local.Calls()) != 1 {
		t.Errorf("%d and %d requests were made with a wrong key", len(server.Calls()), len(local.Calls()))
	}
}

func TestRun_ThrottledForever(t *testing.T) {
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		a.images(2)
		server.Answer = answers(describetest.Reply{Status: 429})
		_, err := a.describe(s)
		if err == nil || !strings.Contains(err.Error(), "429") || !strings.Contains(usererr.Of(err), "lower rpm") {
			t.Errorf("error is %v with hint %q", err, usererr.Of(err))
		}
		a.want("00.jpg:", "01.jpg:")
	})
}

// An attachment that makes the server fail has failed, and others go on. It is retried on request.
func TestRun_Failed(t *testing.T) {
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		a.images(2)
		server.Answer = func(_ int, asked *describetest.Asked) describetest.Reply {
			if string(asked.Media[0].Data) == string(photo(0)) {
				return describetest.Reply{Status: 500}
			}
			return describetest.Reply{Text: "A dog."}
		}
		report, err := a.describe(s)
		if err != nil || report.Failed != 1 || report.Described != 1 {
			t.Errorf("report is %+v (%v)", report, err)
		}
		a.want("00.jpg: failed the server answered 500, 6 times", "01.jpg: described A dog.")
		server.Answer = nil
		if _, err := a.describe(s); err != nil {
			t.Fatal(err)
		}
		a.want("00.jpg: failed the server answered 500, 6 times", "01.jpg: described A dog.")
		a.options.RetryFailed = true
		if _, err := a.describe(s); err != nil {
			t.Fatal(err)
		}
		a.want("00.jpg: described A cat on a sofa.", "01.jpg: described A dog.")
	})
}

// If the server is not running, the attachments have not failed.
func TestRun_NoServer(t *testing.T) {
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		a.images(5)
		server.Close()
		_, err := a.describe(s)
		if err == nil || !strings.Contains(err.Error(), "does not answer") || !strings.Contains(usererr.Of(err), "check that it is running") {
			t.Errorf("error is %v with hint %q", err, usererr.Of(err))
		}
		a.want("00.jpg:", "01.jpg:", "02.jpg:", "03.jpg:", "04.jpg:")
	})
}

// An attachment that makes the server close the connection each time has failed if the server answers for others.
func TestRun_ConnectionAlwaysLost(t *testing.T) {
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		a.images(2)
		server.Answer = func(_ int, asked *describetest.Asked) describetest.Reply {
			return describetest.Reply{Text: "A dog.", HangUp: string(asked.Media[0].Data) == string(photo(0))}
		}
		if _, err := a.describe(s); err != nil {
			t.Fatal(err)
		}
		a.want("00.jpg: failed the server does not answer: the connection was lost, 3 times", "01.jpg: described A dog.")
	})
}

func TestRun_SlowAnswers(t *testing.T) {
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		a.images(2)
		a.pace.Timeout = 200 * time.Millisecond
		server.Answer = answers(describetest.Reply{Text: "late", Wait: 20 * time.Second}, describetest.Reply{Text: "A dog.", Wait: time.Millisecond})
		if _, err := a.describe(s); err != nil {
			t.Fatal(err)
		}
		a.want("00.jpg: described A dog.", "01.jpg: described A dog.")
		server.Answer = answers(describetest.Reply{Wait: 20 * time.Second})
		a.add("slow.jpg", messages.Image, photo(9))
		if _, err := a.describe(s); err == nil || !strings.Contains(err.Error(), "within 200ms") || !strings.Contains(usererr.Of(err), "timeout") {
			t.Errorf("error is %v with hint %q", err, usererr.Of(err))
		}
	})
}

func TestRun_Refused(t *testing.T) {
	for name, c := range map[string]struct {
		service string
		reply   describetest.Reply
		want    string
	}{
		"Blocked":    {"gemini", describetest.Reply{Block: "PROHIBITED_CONTENT"}, "PROHIBITED_CONTENT"},
		"Safety":     {"gemini", describetest.Reply{Finish: "SAFETY"}, "SAFETY"},
		"Person":     {"gemini", describetest.Reply{Finish: "SPII", Text: "His number is"}, "SPII"},
		"Filter":     {"openai", describetest.Reply{Finish: "content_filter"}, "content_filter"},
		"Field":      {"openai", describetest.Reply{Status: 200, Body: `{"choices": [{"message": {"content": null, "refusal": "No."}, "finish_reason": "stop"}]}`}, "it declined"},
		"InWords":    {"openai", describetest.Reply{Text: "I'm sorry, but I can't assist with that request."}, "it declined in words"},
		"Thinking":   {"openai", describetest.Reply{Text: "<think>Who is it?</think>\n\nI cannot help with identifying people."}, "it declined in words"},
		"ShortSorry": {"gemini", describetest.Reply{Text: "Sorry, I can’t describe this image."}, "it declined in words"},
	} {
		t.Run(name, func(t *testing.T) {
			a, server := newAlbum(t).images(2), describetest.NewGemini()
			var s describe.Service
			if c.service == "openai" {
				server = describetest.NewOpenAI()
				s = a.openAI(server)
			} else {
				s = a.gemini(server)
			}
			server.Answer = answers(c.reply, describetest.Reply{Text: "A dog."})
			report, err := a.describe(s)
			if err != nil || report.Refused != 1 || report.Described != 1 {
				t.Errorf("report is %+v (%v)", report, err)
			}
			a.options.RetryFailed = true
			if _, err := a.describe(s); err != nil || len(server.Asked()) != 2 { // not asked again
				t.Errorf("asked %d times (%v)", len(server.Asked()), err)
			}
			a.want("00.jpg: refused the model refuses: "+c.want, "01.jpg: described A dog.")
		})
	}
}

// Another model may describe what one refused.
func TestRun_RefusedByAnotherModel(t *testing.T) {
	a, server := newAlbum(t).images(1), describetest.NewGemini()
	server.Answer = answers(describetest.Reply{Block: "SAFETY"})
	if _, err := a.describe(a.gemini(server)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.describe(a.openAI(describetest.NewOpenAI())); err != nil {
		t.Fatal(err)
	}
	a.want("00.jpg: described A cat on a sofa.")
}

func TestRun_CutAnswer(t *testing.T) {
	a, server := newAlbum(t), describetest.NewGemini()
	a.add("a.jpg", messages.Image, photo(1)).add("b.jpg", messages.Image, photo(2)).add("c.wav", messages.Audio, wav)
	server.Answer = answers(describetest.Reply{Text: "A dog. It runs af", Finish: "MAX_TOKENS"}, describetest.Reply{Text: "A dog that", Finish: "MAX_TOKENS"},
		describetest.Reply{Text: "Hello. I am", Finish: "MAX_TOKENS"})
	if _, err := a.describe(a.gemini(server)); err != nil {
		t.Fatal(err)
	}
	a.want("a.jpg: described A dog.", "b.jpg: failed the model's answer has no words", "c.wav: failed its transcript is longer than the model's longest answer")
	if got := server.Asked()[2].MaxTokens; got != 0 {
		t.Errorf("a transcript may have %d tokens, want any number", got)
	}
}

// Errors never quote the key, the request or the answer.
func TestRun_ErrorsQuoteNothingPrivate(t *testing.T) {
	const secret = "MYSECRETDIAGNOSIS"
	for name, reply := range map[string]describetest.Reply{
		"TruncatedAnswer": {Text: strings.Repeat(secret+" ", 20), Cut: true},
		"NoJSON":          {Status: 200, Body: secret},
		"PlainError":      {Status: 500, Body: secret},
		"EchoedWords":     {Status: 400, Body: `{"error": {"message": "cannot read: ` + secret + `"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
				a.add("note.txt", messages.Document, []byte("patient: "+secret))
				server.Answer = answers(reply)
				_, err := a.describe(s)
				list, _ := a.db.Attachments(t.Context())
				if told := list[0].Error + list[0].Text; strings.Contains(told, secret) || err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error is %q, %v", told, err)
				}
			})
		})
	}
	for name, echo := range map[string]string{"Key": "the key secret-key is odd", "Data": "bad data: " + strings.Repeat("QUJD", 40)} {
		t.Run(name, func(t *testing.T) {
			a, server := newAlbum(t).images(1), describetest.NewGemini()
			server.Answer = answers(describetest.Reply{Status: 400, Body: describetest.GoogleError(400, "INVALID_ARGUMENT", echo)})
			if _, err := a.describe(a.gemini(server)); err != nil {
				t.Fatal(err)
			}
			list, _ := a.db.Attachments(t.Context())
			if list[0].Error == "" || strings.Contains(list[0].Error, "secret-key") || strings.Contains(list[0].Error, "QUJD") {
				t.Errorf("the error is %q", list[0].Error)
			}
		})
	}
}

// Ctrl-C keeps what is done, and another run continues.
func TestRun_Interrupted(t *testing.T) {
	both(t, func(t *testing.T, a *album, server *describetest.Server, s describe.Service) {
		a.images(4)
		ctx, interrupt := context.WithCancel(t.Context())
		server.Answer = func(n int, _ *describetest.Asked) describetest.Reply {
			if n == 2 {
				interrupt()
				return describetest.Reply{Wait: 20 * time.Second}
			}
			return describetest.Reply{Text: "A dog."}
		}
		report, err := a.describeUntil(ctx, s)
		if err != context.Canceled || report.Described != 2 {
			t.Errorf("report is %+v (%v)", report, err)
		}
		a.want("00.jpg: described A dog.", "01.jpg: described A dog.", "02.jpg:", "03.jpg:")
		server.Answer = nil
		if report, err := a.describe(s); err != nil || report.Described != 2 {
			t.Errorf("report is %+v (%v)", report, err)
		}
	})
}

func TestOpenAI_OnlyModel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		models []string
		want   string
	}{"One": {[]string{"llava"}, ""}, "None": {nil, "has no model"}, "Two": {[]string{"a", "b"}, "a, b"}} {
		t.Run(name, func(t *testing.T) {
			server := describetest.NewOpenAI(c.models...)
			defer server.Close()
			s, err := describe.NewOpenAI(t.Context(), server.URL+"/v1", "", "")
			switch {
			case c.want == "" && (err != nil || s.Model() != "llava"):
				t.Errorf("error is %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
}

// A server with one model need not name it.
func TestOpenAI_UnnamedModel(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	s, err := describe.NewOpenAI(t.Context(), server.URL+"/v1", "", "")
	if err != nil || s.Model() != "default" {
		t.Errorf("error is %v", err)
	}
	server.Close()
	if _, err := describe.NewOpenAI(t.Context(), server.URL+"/v1", "", ""); err == nil || !strings.Contains(usererr.Of(err), "check that it is running") {
		t.Errorf("error is %v", err)
	}
}

func TestOpenAI_Local(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]bool{"http://127.0.0.1:11434/v1": true, "http://localhost:1234/v1": true, "http://[::1]:8080/v1": true,
		"http://127.9.9.9/v1": true, "http://192.168.1.2:11434/v1": false, "https://api.openai.com/v1": false, "http://localhost.example.com/v1": false} {
		s, err := describe.NewOpenAI(t.Context(), endpoint, "m", "")
		if err != nil || s.Local() != want {
			t.Errorf("%s is local: %v (%v)", endpoint, s.Local(), err)
		}
	}
	for _, endpoint := range []string{"127.0.0.1:11434", "ftp://127.0.0.1/v1", "http://", "http://u:p@127.0.0.1/v1"} {
		if _, err := describe.NewOpenAI(t.Context(), endpoint, "m", ""); !errors.Is(err, usererr.ErrUsage) {
			t.Errorf("%s: error is %v", endpoint, err)
		}
	}
}

func TestRetryAfter_SecondsOrDate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "0.5": time.Second / 2, "-3": 0, "soon": 0, "1e300": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:00 GMT": 0} {
		if got := describe.RetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q is %v, want %v", value, got, want)
		}
	}
}

var wav = []byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80>\x00\x00\x00}\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00")
