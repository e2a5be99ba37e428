# Answers Telegram messages as one of your people, after you approve each answer in this terminal.
# pip install openai==3.57.0 python-telegram-bot==22.8; run `vqctl serve`; then: BOT_TOKEN=... PERSON=Ada python bot.py
import asyncio, os
from openai import OpenAI
from telegram.ext import Application, MessageHandler, filters

client = OpenAI(base_url=os.environ.get("VQCTL_URL", "http://127.0.0.1:8765/v1"), api_key=os.environ.get("VQCTL_SERVE_TOKEN", "none"))
histories = {}

async def answer(update, context):
    history = histories.setdefault(update.effective_chat.id, [])
    history.append({"role": "user", "name": update.effective_user.first_name, "content": update.message.text})
    reply = await asyncio.to_thread(client.chat.completions.create, model=os.environ["PERSON"], messages=history)
    text = reply.choices[0].message.content
    print(f"{update.effective_user.first_name}: {update.message.text!r}\n  answer: {text!r}")
    if (await asyncio.to_thread(input, "  send it? [y/N] ")).strip().lower() == "y":
        history.append({"role": "assistant", "content": text})
        await update.message.reply_text(text + "\n(written by a model)")

bot = Application.builder().token(os.environ["BOT_TOKEN"]).build()
bot.add_handler(MessageHandler(filters.TEXT & ~filters.COMMAND, answer))
bot.run_polling()
