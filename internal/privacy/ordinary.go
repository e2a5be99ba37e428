package privacy

import (
	"strings"
)

// ordinary reports whether a word after "password:" or "the password is" is part of a sentence, not the password.
func ordinary(w string) bool {
	return ordinaryWords[strings.Trim(strings.ToLower(w), ".,;:!?'’\"-")]
}

// predicate reports whether an English word says something of a password: expired, missing, changeable.
func predicate(w string) bool {
	w = strings.ToLower(w)
	for _, end := range []string{"ed", "ing", "able", "ible", "ly", "less", "ive", "n't"} {
		if strings.HasSuffix(w, end) && len(w) > len(end)+2 {
			return true
		}
	}
	return false
}

// ordinaryPhrase reports whether quoted words are a sentence about a password.
func ordinaryPhrase(s string) bool {
	n := 0
	for w := range strings.FieldsSeq(s) {
		if ordinary(w) {
			n++
		}
	}
	return n > 1
}

var ordinaryWords = set(`a an the this that these those it its he she we they you i me my your our his her their mine yours ours him them us
	is are was were be been am do does did done have has had will would should could can may might must shall not no yes yeah yep nope none never always ever
	and or but if then so because when where what which who whom whose why how there here now later soon today tomorrow yesterday again already still yet
	on in at to of for from by with without under over above below behind inside outside near into onto through about as than too very also only even just
	wrong right correct incorrect invalid valid same different blank empty expired weak strong secure insecure safe easy hard long short simple complex
	old new lost gone broken fine good bad okay ok great nice cool weird random secret private public personal default unknown known needed required optional missing
	saved stored set unset reset changed written posted taped attached enclosed below above hidden visible case sensitive encrypted plaintext plain text hashed cached
	working accepted rejected denied allowed disabled enabled locked unlocked protected forgotten useless obvious ready available impossible possible necessary
	something anything nothing everything whatever someone anyone nobody everyone up down off out back away
	ask see check use try get enter type look read find tell send give call text email contact request create choose pick make please thanks sorry sure maybe
	password passwords passphrase pass username user login log root admin account name email mail file field box prompt screen page manager hint policy protection recovery
	birthday birthdate name dog cat wife husband kid mom dad sister brother phone number address wifi router
	like want need think know guess hope wish love hate one two first second last next previous more less most all any some each both
	weekly monthly temporary permanent numeric alphanumeric characters letters digits numbers words uppercase lowercase length minimum maximum
	sent coming pending changing important confidential classified compromised leaked stolen hacked overrated annoying stupid dumb silly funny hilarious crap awful terrible
	sucks rocks blows stinks bites matters helps expires resets changed scheiße scheisse mist kacke müll quatsch merde mierda porquería cazzo schifo merda uma droga kut klote gówno kurwa говно фигня дерьмо bok berbat skräp søppel
	true false null true. null. n/a tbd asap lol lmao haha hahaha omg wtf idk brb pls plz thx ty yea nah hmm umm well
	kompliziert gut schlecht dumm blöd lustig offensichtlich nötig merken standard zettel sicherer simpel gesperrt gültig angekommen richtiger derselbe
	simple compliqué compliquée difficile facile court courte nul nulle bizarre bidon nécessaire obligatoire valide invalide refusé périmé perdu noté écrit collé nouveau ancien secret
	larga corta rara sencilla complicada necesaria obligatoria válida inválida vencida expirada perdida anotada escrita buena única
	lunga strana semplice complicata necessaria valida perse persa scritta buona
	longa curta estranha simples complicada necessária válida inválida expirada perdida escrita boa
	simpel moeilijker raar stom nodig geldig ongeldig kwijt proste trudniejsze długie krótkie poprawne błędne niepoprawne zapisane potrzebne
	lång kort enkel enkelt konstig hemlig lang kort enkelt svært hemmelig forkert oikein pitkä lyhyt helppo vaikea uusittu
	простая сложная длинный короткий лёгкий легкий нужен записан утерян слабый надёжный устарел просрочен kolay zor uzun kısa gizli geçersiz gerekli jednoduché těžké dlouhé krátké simplă grea lungă scurtă könnyű nehéz hosszú rövid εύκολος δύσκολος mudah sulit panjang
	falsch richtig korrekt ungültig gleich gleiche dasselbe abgelaufen geheim leer weg neu alt lang kurz sicher unsicher einfach schwer vergessen geändert gespeichert
	nicht auf im in am an unter der die das dem den ein eine mein dein unser euer ich du er sie wir ihr es ist und oder aber auch noch immer wie was wo wer hier dort da kein keine bei mit von zum zur für über gerade schon wieder bekannt unbekannt nötig erforderlich
	faux bon bonne incorrect incorrecte correct expiré oublié même pareil changé vide trop sur dans sous le la les un une mon ma mes ton ta tes notre votre ce cette il elle je tu nous vous ils est et ou mais pas plus encore toujours quoi où qui ici là avec sans pour par
	incorrecta incorrecto correcta correcto mala misma mismo siempre está esta en el la los las un una mi tu su nuestro nuestra que cual cuál donde quien aquí ahí con sin para por no sí más muy y o pero tener fácil difícil segura nueva vieja cambiada olvidada secreta
	sbagliata sbagliato giusta giusta stessa stesso scaduta sempre sul sulla nel nella il lo gli un una mio mia tuo tua nostro che quale dove chi qui qua con senza per non più molto ma facile difficile sicura nuova vecchia cambiata segreta
	errada errado certa certo mesma mesmo sempre na no em do da o os as um uma meu minha teu tua nosso nossa que qual onde quem aqui ali com sem para por não mais muito mas fácil difícil segura nova velha
	fout verkeerd goed juist hetzelfde verlopen vergeten staat op in het een de mijn jouw ons onze wat waar wie hier daar met zonder voor niet meer nog altijd makkelijk moeilijk veilig nieuw oud
	złe dobre takie samo zawsze na w do moje twoje nasze co gdzie kto tu tam z bez dla nie jest łatwe trudne nowe stare zmienione tajne
	fel rätt samma alltid på i till min mitt din ditt vår vad var vem här där med utan för inte är lätt svår ny gammal hemligt feil riktig samme alltid forkert rigtig altid hvad hvor hvem her der uden ikke ny gammel glemt
	väärä oikea sama aina vanha uusi unohtunut hukassa jääkaapissa mikä missä
	неверный неправильный верный правильный тот же старый новый забыл забыла не на в от с у к по за это мой твой наш ваш какой где кто что как тут там или и но уже еще ещё опять снова знаешь подходит скину скинь дай дайте есть нет будет был истек изменил поменял сменил такой прежний простой сложный
	yanlış doğru aynı eski yeni ne nerede hangi bu şu o benim senin bizim değil var yok galiba unuttum
	špatně správně stejné staré nové kde co jaké moje tvoje naše není zapomněl greșită gresita corectă aceeași veche nouă unde care mea ta este nu uitat
	rossz jó ugyanaz régi új hol mi melyik nem elfelejtettem λάθος σωστός ίδιος παλιός νέος salah benar sama lama baru lupa sai đúng quên galat sahi wahi kya hai nahi bhool shaayad yaad`)
