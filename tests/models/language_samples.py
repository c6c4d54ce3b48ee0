"""Short texts written for these tests, one a language or kind, on everyday subjects."""

TEXTS = {
    "English": (
        "The kitchen light stayed on all night because nobody remembered to switch it off. In the morning my sister "
        "found the meter still turning and asked who had been reading so late. We agreed that the last person to leave "
        "a room should check the lamps, the heater and the old radio. It is a small habit, yet over a whole year it "
        "saves more electricity than the new refrigerator did. Our neighbour, who repairs bicycles, told us that he "
        "charges his batteries only when the sun is shining on the roof."
    ),
    "German": (
        "Das Licht in der Küche brannte die ganze Nacht, weil niemand daran gedacht hatte, es auszuschalten. Am Morgen "
        "bemerkte meine Schwester, dass sich der Stromzähler noch drehte, und fragte, wer so lange gelesen habe. Wir "
        "einigten uns darauf, dass die letzte Person im Zimmer die Lampen, die Heizung und das alte Radio überprüft. "
        "Das ist eine kleine Gewohnheit, die über das Jahr mehr Energie spart als der neue Kühlschrank. Unser Nachbar "
        "repariert Fahrräder und lädt seine Batterien nur, wenn die Sonne auf das Dach scheint."
    ),
    "French": (
        "La lumière de la cuisine est restée allumée toute la nuit, car personne n'avait pensé à l'éteindre. Le matin, "
        "ma sœur a remarqué que le compteur tournait encore et a demandé qui avait lu si tard. Nous avons décidé que "
        "la dernière personne à quitter une pièce vérifierait les lampes, le chauffage et la vieille radio. C'est une "
        "petite habitude, mais sur une année elle économise plus d'électricité que le nouveau réfrigérateur. Notre "
        "voisin, qui répare des vélos, ne recharge ses batteries que lorsque le soleil brille sur le toit."
    ),
    "Spanish": (
        "La luz de la cocina quedó encendida toda la noche porque nadie se acordó de apagarla. Por la mañana mi "
        "hermana vio que el contador seguía girando y preguntó quién había leído hasta tan tarde. Acordamos que la "
        "última persona en salir de una habitación revisaría las lámparas, la calefacción y la vieja radio. Es una "
        "costumbre pequeña, pero en un año ahorra más electricidad que el frigorífico nuevo. Nuestro vecino, que "
        "arregla bicicletas, solo carga sus baterías cuando el sol brilla sobre el tejado."
    ),
    "Russian": (
        "Свет на кухне горел всю ночь, потому что никто не вспомнил его выключить. Утром сестра заметила, что счётчик "
        "всё ещё крутится, и спросила, кто читал так поздно. Мы договорились, что последний, кто выходит из комнаты, "
        "проверяет лампы, обогреватель и старое радио. Это маленькая привычка, но за год она сберегает больше "
        "электричества, чем новый холодильник. Наш сосед, который чинит велосипеды, заряжает аккумуляторы только "
        "тогда, когда солнце светит на крышу."
    ),
    "Arabic": (
        "بقي ضوء المطبخ مضاءً طوال الليل لأن أحدا لم يتذكر أن يطفئه. في الصباح لاحظت أختي أن العداد ما "
        "زال يدور وسألت من الذي كان يقرأ حتى وقت متأخر. اتفقنا على أن يتحقق آخر شخص يغادر الغرفة من "
        "المصابيح والمدفأة والمذياع القديم. إنها عادة صغيرة، لكنها توفر خلال سنة كاملة كهرباء أكثر مما "
        "توفره الثلاجة الجديدة. أما جارنا الذي يصلح الدراجات فلا يشحن بطارياته إلا عندما تشرق الشمس على "
        "السطح."
    ),
    "Hindi": (
        "रसोई की बत्ती पूरी रात जलती रही क्योंकि किसी को उसे बंद करना याद नहीं रहा। सुबह मेरी बहन ने देखा कि मीटर अब भी घूम "
        "रहा है और पूछा कि इतनी देर तक कौन पढ़ रहा था। हमने तय किया कि कमरे से निकलने वाला आख़िरी व्यक्ति बत्तियाँ, हीटर और "
        "पुराना रेडियो देख लेगा। यह छोटी सी आदत है, लेकिन पूरे साल में नए फ्रिज से ज़्यादा बिजली बचाती है। हमारे पड़ोसी, जो "
        "साइकिल ठीक करते हैं, अपनी बैटरी तभी चार्ज करते हैं जब छत पर धूप होती है।"
    ),
    "Thai": (
        "ไฟในครัวเปิดทิ้งไว้ทั้งคืนเพราะไม่มีใครจำได้ว่าต้องปิด ตอนเช้าพี่สาวของฉันเห็นว่ามิเตอร์ยังหมุนอยู่และถามว่าใครอ่านหนังสือจนดึก "
        "เราตกลงกันว่าคนสุดท้ายที่ออกจากห้องต้องตรวจหลอดไฟ เครื่องทำความร้อน และวิทยุเครื่องเก่า มันเป็นนิสัยเล็กน้อย "
        "แต่ตลอดทั้งปีช่วยประหยัดไฟฟ้าได้มากกว่าตู้เย็นใหม่ เพื่อนบ้านของเราซึ่งซ่อมจักรยานจะชาร์จแบตเตอรี่เฉพาะตอนที่แดดส่องบนหลังคา"
    ),
    "Chinese": (
        "厨房的灯亮了一整夜，因为没有人记得把它关掉。早上，我姐姐发现电表还在转，就问昨晚是谁看书看到那么晚。我们商量好，最后一个离开房间的人要检查"
        "电灯、暖气和那台旧收音机。这只是一个小习惯，但是一年下来，它节省的电比新冰箱还要多。我们的邻居是修自行车的，他告诉我们，只有太阳照在屋顶上的"
        "时候，他才给电池充电。"
    ),
    "Japanese": (
        "台所の明かりは一晩中ついたままでした。誰も消すことを覚えていなかったからです。朝になって、姉は電気のメーターがまだ回っていることに気づき、"
        "そんなに遅くまで本を読んでいたのは誰かと尋ねました。最後に部屋を出る人が、電灯とヒーターと古いラジオを確かめることに決めました。"
        "小さな習慣ですが、一年を通して見れば、新しい冷蔵庫よりも多くの電気を節約します。自転車を修理している隣の人は、屋根に日が当たるときだけ"
        "電池を充電すると話していました。"
    ),
    "code": '''def rolling_mean(values: list[float], width: int) -> list[float]:
    """The mean of every window of the given width."""
    if width < 1 or width > len(values):
        raise ValueError(f"width={width} does not fit {len(values)} values")
    total = sum(values[:width])
    means = [total / width]
    for index in range(width, len(values)):
        total += values[index] - values[index - width]
        means.append(total / width)
    return means


class LampRegister:
    def __init__(self, path="lamps.json"):
        self._lamps = {}
        self.path = path

    def switch_off(self, name):
        if name in self._lamps and self._lamps[name].is_on:
            self._lamps[name].is_on = False
        return self._lamps.get(name)
''',
    "tables": """| room | lamp_w | hours | kwh_per_year | share |
|---|---:|---:|---:|---:|
| kitchen | 12.5 | 6.25 | 28.52 | 31.4 % |
| hall | 8.0 | 3.10 | 9.05 | 10.0 % |
| workshop | 36.0 | 2.75 | 36.14 | 39.8 % |
| bedroom | 7.5 | 1.90 | 5.20 | 5.7 % |

date,room,watts,minutes
2024-03-01,kitchen,12.5,375
2024-03-01,hall,8.0,186
2024-03-02,workshop,36.0,165
2024-03-02,bedroom,7.5,114
2024-03-03,kitchen,12.5,402
""",
}
