package imessage_test

import (
	"testing"

	"howett.net/plist"
)

// keyed makes a keyed archive of objects, of which the second is the root.
func keyed(t *testing.T, objects ...any) []byte {
	t.Helper()
	data, err := plist.Marshal(map[string]any{"$version": 100000, "$archiver": "NSKeyedArchiver",
		"$top": map[string]any{"root": plist.UID(1)}, "$objects": append([]any{"$null"}, objects...)}, plist.BinaryFormat)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

type object = map[string]any

// linkPayload is what Messages keeps of a link with a preview. An empty URL is nil.
func linkPayload(t *testing.T, original, led string) []byte {
	ref := func(url string, n int) plist.UID {
		if url == "" {
			return 0
		}
		return plist.UID(n)
	}
	return keyed(t,
		object{"richLinkIsPlaceholder": false, "richLinkMetadata": plist.UID(2), "$class": plist.UID(7)},
		object{"originalURL": ref(original, 3), "URL": ref(led, 4), "title": plist.UID(0), "$class": plist.UID(7)},
		object{"NS.base": plist.UID(0), "NS.relative": plist.UID(5), "$class": plist.UID(7)},
		object{"NS.base": plist.UID(0), "NS.relative": plist.UID(6), "$class": plist.UID(7)},
		original, led, object{"$classname": "RichLink", "$classes": []any{"RichLink", "NSObject"}})
}

// appPayload is what Messages keeps of an app's message: a dictionary.
func appPayload(t *testing.T, summary, caption string) []byte {
	keys, values := []any{plist.UID(2)}, []any{plist.UID(3)}
	if summary != "" {
		keys, values = append(keys, plist.UID(4)), append(values, plist.UID(5))
	}
	return keyed(t,
		object{"NS.keys": keys, "NS.objects": values, "$class": plist.UID(8)},
		"userInfo", object{"NS.keys": []any{plist.UID(6)}, "NS.objects": []any{plist.UID(7)}, "$class": plist.UID(8)},
		"ldtext", summary, "caption", caption, object{"$classname": "NSDictionary", "$classes": []any{"NSDictionary", "NSObject"}})
}
